#pragma once

#include <cstdint>
#include <ctime>

namespace relay::bench {

// The machine's monotonic clock, which all processes and network namespaces on it share.
inline std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// The time that counts. Clients begin before it, so that it sees a steady state.
struct Window {
    std::int64_t begin_ns = 0;
    std::int64_t end_ns = 0;

    bool holds(std::int64_t time_ns) const { return time_ns >= begin_ns && time_ns < end_ns; }
    double seconds() const { return static_cast<double>(end_ns - begin_ns) / 1e9; }
};

}  // namespace relay::bench
