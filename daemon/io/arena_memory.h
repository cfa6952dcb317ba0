// The memory of an arena: address space that costs nothing until it is used. It has a descriptor,
// by which another process can read what this one has left.
#pragma once

#include <cstddef>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "daemon/io/unique_fd.h"

namespace relay {

class ArenaMemory {
public:
    // Page aligned and zero. Nothing of it is in use before it is touched.
    static Result<ArenaMemory> reserve(std::size_t bytes);
    // That of another process.
    static Result<ArenaMemory> map(UniqueFd descriptor);
    ArenaMemory(ArenaMemory&& other) noexcept;
    ArenaMemory& operator=(ArenaMemory&&) = delete;
    ~ArenaMemory();

    MutableBytes bytes() const { return bytes_; }
    int descriptor() const { return descriptor_.get(); }
    // Gives whole pages back to the system; they are zero when they are touched again.
    static void discard(MutableBytes pages);

private:
    ArenaMemory(UniqueFd descriptor, MutableBytes bytes)
        : descriptor_(std::move(descriptor)), bytes_(bytes) {}

    UniqueFd descriptor_;
    MutableBytes bytes_;
};

}  // namespace relay
