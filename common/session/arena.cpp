#include "common/session/arena.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <string>

#include "common/base/check.h"
#include "common/base/crash_fence.h"

namespace relay {

namespace {

constexpr std::size_t class_count = 17;  // 256 B, 512 B … 16 MiB.
constexpr std::size_t head_bytes = 1024;
constexpr std::size_t page_bytes = 4096;
constexpr std::array<char, 8> arena_mark = {'r', 'e', 'l', 'a', 'y', 'd', '\0', 'A'};

std::size_t class_of(std::size_t bytes) {
    const std::size_t rounded =
        std::bit_ceil(bytes < Arena::block_min_bytes ? Arena::block_min_bytes : bytes);
    return static_cast<std::size_t>(std::countr_zero(rounded) -
                                    std::countr_zero(Arena::block_min_bytes));
}

std::size_t size_of_class(std::size_t index) {
    return Arena::block_min_bytes << index;
}

}  // namespace

// What a free block begins with.
struct Arena::FreeBlock {
    BlockOffset next;
    std::uint64_t is_trimmed;
};

// The block that was released last is used first. So those that are trimmed lie together at the
// end.
struct Arena::FreeList {
    BlockOffset first;
    std::uint64_t count;
    std::uint64_t count_least;  // Since the last trim: so many at the end were not needed.
};

// A free list for each class. Blocks are aligned to their size and keep it for good.
struct Arena::Head {
    std::array<char, 8> mark;
    std::uint32_t layout;
    std::uint32_t attempts;  // Of other processes to go on with it.
    BlockOffset root;
    FreeList free[class_count];
    std::uint64_t used_bytes;
    std::uint64_t fresh;  // Everything from here on was never handed out.
    MoveMark move;
};

Arena::Arena(MutableBytes memory) : memory_(memory) {
    check(memory.size() >= 65536);
    new (memory.data()) Head{{}, layout, 0, 0, {}, 0, head_bytes, {}};
    crash_fence();
    head().mark = arena_mark;
    static_assert(sizeof(Head) <= head_bytes);
}

Arena::Head& Arena::head() const {
    return *std::launder(reinterpret_cast<Head*>(memory_.data()));
}

std::optional<BlockOffset> Arena::allocate(std::size_t bytes) {
    if (bytes > block_max_bytes) return std::nullopt;
    const std::size_t index = class_of(bytes);
    const std::size_t size = size_of_class(index);
    Head& state = head();
    FreeList& list = state.free[index];
    if (const BlockOffset block = list.first) {
        list.first = free_block(block).next;
        list.count_least = std::min(list.count_least, --list.count);
        state.used_bytes += size;
        return block;
    }
    const BlockOffset aligned = (state.fresh + size - 1) / size * size;
    if (aligned + size > memory_.size()) return std::nullopt;
    // What alignment skips is cut into smaller blocks, so that nothing is lost.
    while (state.fresh < aligned) {
        const std::size_t piece = std::size_t{1} << std::countr_zero(state.fresh);
        state.used_bytes += piece;
        release(state.fresh, piece);
        state.fresh += piece;
    }
    state.fresh = aligned + size;
    state.used_bytes += size;
    return aligned;
}

void Arena::release(BlockOffset block, std::size_t bytes) {
    const std::size_t index = class_of(bytes);
    check(block % size_of_class(index) == 0 && block != 0);
    Head& state = head();
    FreeList& list = state.free[index];
    new (memory_.data() + block) FreeBlock{list.first, 0};
    list.first = block;
    ++list.count;
    state.used_bytes -= size_of_class(index);
}

Arena::FreeBlock& Arena::free_block(BlockOffset block) const {
    return *std::launder(reinterpret_cast<FreeBlock*>(memory_.data() + block));
}

std::size_t Arena::trim(const std::function<void(MutableBytes pages)>& discard) {
    std::size_t discarded = 0;
    for (std::size_t index = class_of(2 * page_bytes); index < class_count; ++index) {
        FreeList& list = head().free[index];
        BlockOffset block = list.first;
        for (std::uint64_t needed = list.count - list.count_least; needed > 0; --needed) {
            block = free_block(block).next;
        }
        for (; block != 0 && free_block(block).is_trimmed == 0; block = free_block(block).next) {
            const auto pages = view(block, size_of_class(index)).subspan(page_bytes);
            discard(pages);
            discarded += pages.size();
            free_block(block).is_trimmed = 1;
        }
        list.count_least = list.count;
    }
    return discarded;
}

MutableBytes Arena::view(BlockOffset block, std::size_t bytes) const {
    check(block != 0 && block + bytes <= memory_.size());
    return memory_.subspan(block, bytes);
}

std::size_t Arena::used_bytes() const {
    return head().used_bytes;
}

BlockOffset& Arena::root() const {
    return head().root;
}

MoveMark& Arena::mark() const {
    return head().move;
}

Result<ArenaRemains> ArenaRemains::open(MutableBytes memory) {
    if (memory.size() < sizeof(Arena::Head)) {
        return Error{ErrorCode::Malformed, "too little memory for any stream"};
    }
    auto& head = *std::launder(reinterpret_cast<Arena::Head*>(memory.data()));
    if (head.mark != arena_mark) return Error{ErrorCode::Malformed, "not the memory of streams"};
    if (head.layout != Arena::layout) {
        return Error{ErrorCode::Unsupported, "its layout is number " + std::to_string(head.layout) +
                                                 ", and this relayd knows " +
                                                 std::to_string(Arena::layout)};
    }
    if (head.attempts >= attempts_most) {
        return Error{ErrorCode::Refused, std::to_string(head.attempts) +
                                             " processes have tried, and ended while they did"};
    }
    ++head.attempts;
    return ArenaRemains{memory};
}

BlockOffset ArenaRemains::root() const {
    return std::launder(reinterpret_cast<const Arena::Head*>(memory_.data()))->root;
}

const MoveMark& ArenaRemains::mark() const {
    return std::launder(reinterpret_cast<const Arena::Head*>(memory_.data()))->move;
}

std::optional<Bytes> ArenaRemains::view(BlockOffset block, std::size_t bytes) const {
    if (bytes > Arena::block_max_bytes) return std::nullopt;
    const std::size_t size = size_of_class(class_of(bytes));
    if (block < head_bytes || block % size != 0) return std::nullopt;
    if (size > memory_.size() || block > memory_.size() - size) return std::nullopt;
    return memory_.subspan(block, bytes);
}

}  // namespace relay
