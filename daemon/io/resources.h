// What this process takes of the machine, for those who watch it.
#pragma once

#include <cstdint>

#include "daemon/io/loop.h"

namespace relay {

struct Resources {
    std::uint64_t memory_bytes = 0;      // Resident.
    std::uint64_t descriptors = 0;       // Open now,
    std::uint64_t descriptors_most = 0;  // and how many may be.
    std::uint64_t timers = 0;            // Of the loop, armed or not.
    std::uint64_t handles = 0;           // All that the loop watches or may watch, timers included.
};

// Reads /proc; what cannot be read is 0.
Resources resources_of(Loop& loop);

}  // namespace relay
