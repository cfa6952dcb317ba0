// Aborts on our own bugs, in release builds too. Never used to judge input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace relay {

// The compilers' own markers: clang 14 does not have std::source_location with libstdc++ 12.
[[noreturn]] inline void unreachable(const char* file = __builtin_FILE(),
                                     int line = __builtin_LINE()) {
    std::fprintf(stderr, "%s:%d: reached the unreachable\n", file, line);
    std::abort();
}

inline void check(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE(),
                  const char* function = __builtin_FUNCTION()) {
    if (holds) return;
    std::fprintf(stderr, "%s:%d: check failed in %s\n", file, line, function);
    std::abort();
}

}  // namespace relay
