#include "daemon/io/resources.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/io/poll_set.h"

namespace relay {

namespace {

std::uint64_t resident_bytes() {
    std::ifstream file{"/proc/self/statm"};
    std::uint64_t all_pages = 0, resident_pages = 0;
    if (!(file >> all_pages >> resident_pages)) return 0;
    return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
    std::error_code failed;
    std::filesystem::directory_iterator entries{"/proc/self/fd", failed};
    if (failed) return 0;
    std::uint64_t count = 0;
    for (const auto& entry : entries) {
        (void)entry;
        ++count;
    }
    return count - 1;  // One of them is what we read the folder by.
}

}  // namespace

Resources resources_of(Loop& loop) {
    Resources resources;
    resources.memory_bytes = resident_bytes();
    resources.descriptors = open_descriptors();
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) resources.descriptors_most = limit.rlim_cur;
    const auto count = [](uv_handle_t* handle, void* own) {
        auto& counted = *static_cast<Resources*>(own);
        ++counted.handles;
        if (uv_handle_get_type(handle) == UV_TIMER) ++counted.timers;
    };
    uv_walk(&loop.uv(), count, &resources);
    resources.handles += loop.polls().size();
    return resources;
}

}  // namespace relay
