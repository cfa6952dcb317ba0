// Which stream of a carrier sends next: deficit round robin, in which a stream that has just become
// busy goes before those that were busy already (as FQ-CoDel does, RFC 8290 section 4). So a
// keystroke overtakes a file copy, and equal copies get equal shares.
#pragma once

#include <deque>
#include <optional>

#include "common/session/ids.h"

namespace relay {

class WriteScheduler {
public:
    // Bytes that a stream may send in its turn: at first little, then as much as makes a piece
    // that its socket takes at a fair price.
    static constexpr std::int32_t first_quantum_bytes = 16384;
    static constexpr std::int32_t quantum_bytes = 65536;

    // The stream has bytes to send. It must not be in already.
    void add(StreamId stream);
    // Whose turn it is; the same until charge() or drop().
    std::optional<StreamId> next();
    // next() has sent so many bytes and has more.
    void charge(std::size_t bytes);
    // next() has nothing more to send, or is gone. True: it left the scheduler, and may be added
    // again. False: it is parked for one more round, so that leaving and coming back gains nothing.
    bool drop();
    // A parked stream has bytes to send again. Until it has sent what a first turn allows, it goes
    // before the busy ones: a round of these can be long.
    void revive(StreamId stream);
    // Wherever it stands; parked or not.
    void remove(StreamId stream);
    bool empty() const { return fresh_.empty() && busy_.empty(); }

private:
    struct Entry {
        StreamId stream;
        std::int32_t deficit;
    };

    std::deque<Entry>& turn() { return fresh_.empty() ? busy_ : fresh_; }

    std::deque<Entry> fresh_;
    std::deque<Entry> busy_;
};

}  // namespace relay
