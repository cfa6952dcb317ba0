// Points in time as values. No clock lives here: time is handed in by whoever runs the loop.
#pragma once

#include <chrono>
#include <optional>

namespace relay {

// Monotonic time. It has no now(): daemon/io/system_clock.h reads it, tests make it up.
struct MonotonicClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonotonicClock>;
    static constexpr bool is_steady = true;
};

using Duration = MonotonicClock::duration;
using TimePoint = MonotonicClock::time_point;

inline std::optional<TimePoint> earlier(std::optional<TimePoint> a, std::optional<TimePoint> b) {
    if (!a) return b;
    if (!b) return a;
    return *a < *b ? a : b;
}

}  // namespace relay
