#include "common/session/arena.h"

#include <bit>
#include <cstring>
#include <new>

#include "common/base/check.h"

namespace relay {

namespace {

constexpr std::size_t class_count = 17;  // 256 B, 512 B … 16 MiB.

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

// A free list for each class; a free block begins with the offset of the next one. Blocks are
// aligned to their size and keep it for good.
struct Arena::Head {
    BlockOffset free[class_count];
    std::uint64_t used_bytes;
    std::uint64_t fresh;  // Everything from here on was never handed out.
};

Arena::Arena(MutableBytes memory) : memory_(memory) {
    check(memory.size() >= 65536);
    new (memory.data()) Head{{}, 0, block_min_bytes};
    static_assert(sizeof(Head) <= block_min_bytes);
}

Arena::Head& Arena::head() const {
    return *std::launder(reinterpret_cast<Head*>(memory_.data()));
}

std::optional<BlockOffset> Arena::allocate(std::size_t bytes) {
    if (bytes > block_max_bytes) return std::nullopt;
    const std::size_t index = class_of(bytes);
    const std::size_t size = size_of_class(index);
    Head& state = head();
    if (const BlockOffset block = state.free[index]) {
        std::memcpy(&state.free[index], memory_.data() + block, sizeof(BlockOffset));
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
    std::memcpy(memory_.data() + block, &state.free[index], sizeof(BlockOffset));
    state.free[index] = block;
    state.used_bytes -= size_of_class(index);
}

MutableBytes Arena::view(BlockOffset block, std::size_t bytes) const {
    check(block != 0 && block + bytes <= memory_.size());
    return memory_.subspan(block, bytes);
}

std::size_t Arena::used_bytes() const {
    return head().used_bytes;
}

}  // namespace relay
