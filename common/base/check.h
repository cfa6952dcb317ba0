// Aborts on our own bugs, in release builds too. Never used to judge input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace relay {

[[noreturn]] inline void unreachable(std::source_location where = std::source_location::current()) {
    std::fprintf(stderr, "%s:%u: reached the unreachable\n", where.file_name(), where.line());
    std::abort();
}

inline void check(bool holds, std::source_location where = std::source_location::current()) {
    if (holds) return;
    std::fprintf(stderr, "%s:%u: check failed in %s\n", where.file_name(), where.line(),
                 where.function_name());
    std::abort();
}

}  // namespace relay
