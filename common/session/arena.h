// Memory handed in from outside (anonymous, or a memfd that survives the process), cut into blocks
// of powers of two. Blocks are named by their offset, so that what is stored in them needs no
// pointers; all bookkeeping lies in the memory itself.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "common/base/bytes.h"

namespace relay {

// Offset of a block in its arena, in bytes. 0 is no block: the arena's own head lies there.
using BlockOffset = std::uint64_t;

class Arena {
public:
    static constexpr std::size_t block_min_bytes = 256;
    static constexpr std::size_t block_max_bytes = std::size_t{16} << 20;

    // Formats `memory` (page aligned, at least 64 KiB), which outlives the arena. Pages are
    // touched only as they are used, so that a large mapping costs nothing by itself.
    explicit Arena(MutableBytes memory);

    // The size is rounded up to a power of two. Nothing when the memory is spent, or the size is
    // over block_max_bytes.
    std::optional<BlockOffset> allocate(std::size_t bytes);
    void release(BlockOffset block, std::size_t bytes);

    MutableBytes view(BlockOffset block, std::size_t bytes) const;
    std::size_t used_bytes() const;

    // Hands to `discard` the pages of blocks that nobody has needed since the last call: their
    // content is lost, and their memory may go back to the system. What is in use time and again
    // stays. Each block keeps its first page. Returns the bytes handed over.
    std::size_t trim(const std::function<void(MutableBytes pages)>& discard);

private:
    struct Head;
    struct FreeBlock;
    struct FreeList;
    Head& head() const;
    FreeBlock& free_block(BlockOffset block) const;

    MutableBytes memory_;
};

}  // namespace relay
