// How many bytes of a connection may wait unsent in the kernel. None of them can be overtaken any
// more, so they are few: as many as bridge the time until the kernel's call for more is heard.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/time.h"
#include "daemon/carriers/bbr_tuning.h"

namespace relay {

class UnsentLimit {
public:
    // `fd` is a connected socket that outlives this. What is not TCP has no limit.
    explicit UnsentLimit(int fd);

    // The kernel has taken so many bytes.
    void sent(std::size_t bytes, TimePoint now);
    // Whether it has enough. The socket becomes writable when it no longer has.
    bool is_reached();

private:
    void look_at_bbr(TimePoint now);
    void set(std::size_t bytes);

    int fd_;
    std::size_t enough_ = 0;
    std::size_t unsent_most_ = 0;  // That the kernel can have.

    bool is_bbr_ = true;
    TimePoint next_look_{};
    bool was_reached_ = false;  // Since the last look.
    BbrTuning bbr_;
    std::uint64_t pacing_rate_most_ = any_pacing_rate;
};

}  // namespace relay
