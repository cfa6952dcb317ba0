#include "daemon/io/arena_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace relay {

Result<ArenaMemory> ArenaMemory::reserve(std::size_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return Error{ErrorCode::System,
                     std::string("cannot reserve memory for streams: ") + std::strerror(errno)};
    }
    return ArenaMemory{MutableBytes{static_cast<std::uint8_t*>(memory), bytes}};
}

ArenaMemory::ArenaMemory(ArenaMemory&& other) noexcept
    : bytes_(std::exchange(other.bytes_, MutableBytes{})) {}

void ArenaMemory::discard(MutableBytes pages) {
    (void)madvise(pages.data(), pages.size(), MADV_DONTNEED);
}

ArenaMemory::~ArenaMemory() {
    if (!bytes_.empty()) (void)munmap(bytes_.data(), bytes_.size());
}

}  // namespace relay
