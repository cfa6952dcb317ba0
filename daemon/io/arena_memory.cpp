#include "daemon/io/arena_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace relay {

namespace {

constexpr std::size_t mark_page_bytes = 4096;

Error failed(const char* what) {
    return {ErrorCode::System, std::string(what) + std::strerror(errno)};
}

}  // namespace

Result<ArenaMemory> ArenaMemory::reserve(std::size_t bytes) {
    UniqueFd descriptor{memfd_create("relayd-streams", MFD_CLOEXEC)};
    if (!descriptor || ftruncate(descriptor.get(), static_cast<off_t>(bytes)) != 0) {
        return failed("cannot reserve memory for streams: ");
    }
    return map(std::move(descriptor));
}

Result<ArenaMemory> ArenaMemory::map(UniqueFd descriptor) {
    struct stat facts {};
    if (fstat(descriptor.get(), &facts) != 0) return failed("cannot look at memory for streams: ");
    const auto bytes = static_cast<std::size_t>(facts.st_size);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                        descriptor.get(), 0);
    if (memory == MAP_FAILED) return failed("cannot map memory for streams: ");
    // The mark of a call must be where the kernel writes it (decision 25). More is not worth
    // failing.
    (void)mlock(memory, mark_page_bytes);
    return ArenaMemory{std::move(descriptor),
                       MutableBytes{static_cast<std::uint8_t*>(memory), bytes}};
}

ArenaMemory::ArenaMemory(ArenaMemory&& other) noexcept
    : descriptor_(std::move(other.descriptor_)),
      bytes_(std::exchange(other.bytes_, MutableBytes{})) {}

void ArenaMemory::discard(MutableBytes pages) {
    (void)madvise(pages.data(), pages.size(), MADV_REMOVE);
}

ArenaMemory::~ArenaMemory() {
    if (!bytes_.empty()) (void)munmap(bytes_.data(), bytes_.size());
}

}  // namespace relay
