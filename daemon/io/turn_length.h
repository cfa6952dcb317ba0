// How much one socket may move before others have their turn. Long turns cost less of the
// processor; but whoever has a keystroke to send waits for the turns of others. So turns are long
// until a socket that sends little shows up, and for a moment after it was last seen.
#pragma once

#include <cstddef>
#include <utility>

#include "common/base/time.h"

namespace relay {

class TurnLength {
public:
    // A socket has sent so much at once, and so much the time before, which `before` keeps: what is
    // left of a file copy's large piece is no keystroke.
    void saw(std::size_t bytes, std::size_t& before, TimePoint now) {
        if (bytes + std::exchange(before, bytes) < little_bytes) little_seen_ = now;
    }
    // How many full records a turn takes, so that none is sent half empty.
    std::size_t records(TimePoint now) const {
        return now - little_seen_ < memory ? short_records : long_records;
    }

private:
    static constexpr std::size_t little_bytes = 1024;
    static constexpr std::size_t short_records = 4;  // 64 KiB.
    static constexpr std::size_t long_records = 16;  // 256 KiB.
    static constexpr Duration memory = std::chrono::milliseconds(200);

    TimePoint little_seen_{};
};

}  // namespace relay
