// What comes before it in the code is in memory before what comes after it: for whoever goes on
// with that memory when this process was killed between the two. A killed process leaves what its
// instructions wrote, in their order; only the compiler could have changed that order.
#pragma once

namespace relay {

inline void crash_fence() {
    __asm__ __volatile__("" ::: "memory");
}

}  // namespace relay
