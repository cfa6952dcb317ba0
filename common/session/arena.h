// Memory handed in from outside (anonymous, or a memfd that survives the process), cut into blocks
// of powers of two. Blocks are named by their offset, so that what is stored in them needs no
// pointers; all bookkeeping lies in the memory itself.
#pragma once

#include <cstdint>
#include <functional>
#include <new>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/move_mark.h"
#include "common/base/result.h"

namespace relay {

// Offset of a block in its arena, in bytes. 0 is no block: the arena's own head lies there.
using BlockOffset = std::uint64_t;

class Arena {
public:
    static constexpr std::size_t block_min_bytes = 256;
    static constexpr std::size_t block_max_bytes = std::size_t{16} << 20;
    // Of the head and of all records that are kept in an arena. Whoever changes one of these
    // changes this number: then a process does not go on with what another layout has left.
    static constexpr std::uint32_t layout = 6;

    // Formats `memory` (page aligned, at least 64 KiB), which outlives the arena. Pages are
    // touched only as they are used, so that a large mapping costs nothing by itself.
    explicit Arena(MutableBytes memory);

    // The size is rounded up to a power of two. Nothing when the memory is spent, or the size is
    // over block_max_bytes.
    std::optional<BlockOffset> allocate(std::size_t bytes);
    void release(BlockOffset block, std::size_t bytes);

    MutableBytes view(BlockOffset block, std::size_t bytes) const;
    std::size_t used_bytes() const;

    // The first of the records that lead to all others; 0: none.
    BlockOffset& root() const;

    // Of the call that moves bytes of a local socket, where nobody else counts them. Its page is
    // the first one, with all that is used at each step.
    MoveMark& mark() const;

    // Hands to `discard` the pages of blocks that nobody has needed since the last call: their
    // content is lost, and their memory may go back to the system. What is in use time and again
    // stays. Each block keeps its first page. Returns the bytes handed over.
    std::size_t trim(const std::function<void(MutableBytes pages)>& discard);

private:
    friend class ArenaRemains;
    struct Head;
    struct FreeBlock;
    struct FreeList;
    Head& head() const;
    FreeBlock& free_block(BlockOffset block) const;

    MutableBytes memory_;
};

// The arena of a process that is no more. Nothing in it is trusted, least of all its free lists: it
// is read from the root, and each offset is judged.
class ArenaRemains {
public:
    // More processes than this do not begin to go on with the same arena: it may be what ends them.
    static constexpr std::uint32_t attempts_most = 20;

    // `memory` outlives it. Counts an attempt there. The error says why nobody can go on with it.
    static Result<ArenaRemains> open(MutableBytes memory);

    BlockOffset root() const;
    const MoveMark& mark() const;
    // Null: no such record can lie there.
    template <typename Record>
    const Record* find(BlockOffset block) const {
        const auto bytes = view(block, sizeof(Record));
        if (!bytes) return nullptr;
        return std::launder(reinterpret_cast<const Record*>(bytes->data()));
    }
    // Nothing: no block of that size can lie there.
    std::optional<Bytes> view(BlockOffset block, std::size_t bytes) const;

private:
    explicit ArenaRemains(Bytes memory) : memory_(memory) {}

    Bytes memory_;
};

}  // namespace relay
