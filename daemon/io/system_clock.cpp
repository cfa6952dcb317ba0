#include "daemon/io/system_clock.h"

#include <time.h>

namespace relay {

TimePoint now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return TimePoint{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
}

std::chrono::system_clock::time_point wall_time() {
    return std::chrono::system_clock::now();
}

}  // namespace relay
