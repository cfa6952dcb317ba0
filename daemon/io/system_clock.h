// The one now(): all other code is handed its time.
#pragma once

#include <chrono>

#include "common/base/time.h"

namespace relay {

// Monotonic time, from CLOCK_MONOTONIC; the same origin as the loop's timers.
TimePoint now();

// The time of day, for people and for certificates. It may jump.
std::chrono::system_clock::time_point wall_time();

}  // namespace relay
