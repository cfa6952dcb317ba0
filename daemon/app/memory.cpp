#include "daemon/app/memory.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

namespace relay {

namespace {

constexpr std::size_t gibibyte = std::size_t{1} << 30;
constexpr std::size_t arena_least_bytes = std::size_t{64} << 20;
constexpr std::size_t address_space_factor = 8;
constexpr Duration trim_interval = std::chrono::seconds(3);
constexpr Duration startup_takes = std::chrono::seconds(1);
constexpr std::size_t worth_a_heap_trim = std::size_t{1} << 20;

std::size_t bytes_of(const MemoryShare& share) {
    if (share.bytes > 0) return share.bytes;
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page <= 0) return gibibyte / 4;
    return static_cast<std::size_t>(pages) * static_cast<std::size_t>(page) / 100 * share.percent;
}

}  // namespace

SessionOptions session_limits(const MemorySettings& settings) {
    SessionOptions options;
    options.ring_most_bytes = static_cast<std::uint32_t>(settings.per_stream);
    options.memory_budget_bytes = settings.per_session;
    options.process_budget_bytes = bytes_of(settings.total);
    return options;
}

// Where even addresses are rationed, less will do.
Result<ArenaMemory> reserve_arena(const SessionOptions& limits) {
    std::size_t bytes =
        std::clamp(limits.process_budget_bytes * address_space_factor, gibibyte, 64 * gibibyte);
    for (;;) {
        auto memory = ArenaMemory::reserve(bytes);
        if (memory || bytes <= arena_least_bytes) return memory;
        bytes /= 2;
    }
}

void forget_startup_code() {
    std::ifstream file{"/proc/self/smaps"};
    std::uintptr_t begin = 0, end = 0;
    bool is_clean_file = false;
    for (std::string line; std::getline(file, line);) {
        char rights[5] = {}, path[2] = {};
        std::uintptr_t from = 0, to = 0;
        unsigned long kilobytes = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %*s %1s", &from, &to, rights, path) >=
            3) {
            begin = from;
            end = to;
            is_clean_file = std::string_view{rights}.starts_with("r-") && path[0] == '/';
        } else if (std::sscanf(line.c_str(), "Anonymous: %lu", &kilobytes) == 1) {
            if (!is_clean_file || kilobytes > 0) continue;
            // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel tells addresses as text.
            (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
        }
    }
}

ArenaTrimmer::ArenaTrimmer(Loop& loop, Arena& arena)
    : arena_(arena), timer_(loop, [this] { trim(); }) {
    timer_.arm(startup_takes);
}

void ArenaTrimmer::trim() {
    if (!std::exchange(startup_is_forgotten_, true)) forget_startup_code();
    const std::size_t discarded = arena_.trim(ArenaMemory::discard);
    // A load that is over leaves holes in the heap as well.
    if (discarded >= worth_a_heap_trim) (void)malloc_trim(0);
    timer_.arm(trim_interval);
}

}  // namespace relay
