// The memory of an arena: address space that costs nothing until it is used.
#pragma once

#include <cstddef>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace relay {

class ArenaMemory {
public:
    // Page aligned and zero. Nothing of it is in use before it is touched.
    static Result<ArenaMemory> reserve(std::size_t bytes);
    ArenaMemory(ArenaMemory&& other) noexcept;
    ArenaMemory& operator=(ArenaMemory&&) = delete;
    ~ArenaMemory();

    MutableBytes bytes() const { return bytes_; }
    // Gives whole pages back to the system; they are zero when they are touched again.
    static void discard(MutableBytes pages);

private:
    explicit ArenaMemory(MutableBytes bytes) : bytes_(bytes) {}

    MutableBytes bytes_;
};

}  // namespace relay
