// How much a receiver lets its peer send ahead of what has been consumed: twice what it consumes in
// one round trip. So a stream is never held back by its credit, and never has more bytes under way
// than keep its path busy: what waits behind them does not wait long.
//
// The round trip is the shortest that was seen: a queue on the way must not justify itself. It
// counts a quarter of a millisecond more, for what acknowledging and scheduling take on the fastest
// of paths. On those a stream that shares its carrier needs room for some turns (WriteScheduler)
// instead: what it consumes in 10 ms, within a limit.
#pragma once

#include <cstdint>

#include "common/base/time.h"

namespace relay {

struct CreditLimits {
    std::uint32_t start_bytes;  // What a stream begins with, and returns to.
    std::uint32_t turns_bytes;  // Room for some turns, for those who need no more.
    std::uint32_t most_bytes;
};

// Plain data, kept in the stream's record.
struct Credit {
    std::uint32_t window = 0;  // Beyond what is consumed.
    std::uint64_t told = 0;    // The offset of the last ACK.
    std::uint64_t most = 0;    // The furthest that any ACK let the peer send to.

    // The round under way, and the largest window that a round of this epoch has asked for.
    TimePoint round_began{};
    std::uint64_t round_offset = 0;
    TimePoint epoch_began{};
    std::uint32_t epoch_window = 0;
};

Credit first_credit(std::uint32_t window, TimePoint now);
// All up to `offset` has been consumed. `round_trip`: the shortest seen on its carrier.
void measure(Credit& credit, const CreditLimits& limits, std::uint64_t offset, Duration round_trip,
             TimePoint now);
// The window of an ACK for `offset`, which the caller writes.
std::uint32_t tell(Credit& credit, std::uint64_t offset);
// How long an ACK of `offset` may wait for company, since each that travels alone costs both ends a
// packet and a turn. AtOnce: the peer has used half of its credit. Soon: it may have run out of
// room in its ring, which may be smaller than the window.
enum class Urgency { AtOnce, Soon, Sometime };
Urgency urgency(const Credit& credit, std::uint64_t offset);

}  // namespace relay
