#include "common/session/ring.h"

#include <algorithm>
#include <cstring>

#include "common/base/check.h"

namespace relay {

bool RingMemory::may_have(std::uint32_t capacity, std::uint32_t had) const {
    const auto leaves_as_much = [&](std::size_t used, std::size_t limit) {
        return used - had + 2 * std::size_t{capacity} <= limit;
    };
    return leaves_as_much(used_bytes_, limits_.session_bytes) &&
           leaves_as_much(arena_.used_bytes(), limits_.process_bytes);
}

bool RingMemory::allocate(Ring& ring, std::uint32_t wanted, Use use) {
    check(ring.block == 0);
    const bool in_budget = use == Use::Stream;
    std::uint32_t capacity = std::max(wanted, limits_.ring_least_bytes);
    std::optional<BlockOffset> block;
    for (;; capacity /= 2) {
        const bool is_least = capacity <= limits_.ring_least_bytes;
        if (is_least || !in_budget || may_have(capacity, 0)) block = arena_.allocate(capacity);
        if (block || is_least) break;
    }
    if (!block) return false;
    (in_budget ? used_bytes_ : control_bytes_) += capacity;
    ring = Ring{*block, capacity, 0, 0, in_budget, ring.busy_at};
    return true;
}

bool RingMemory::resize(Ring& ring, std::uint32_t capacity) {
    check(ring.block != 0 && ring.in_budget && ring.size <= capacity);
    if (capacity > ring.capacity && !may_have(capacity, ring.capacity)) return false;
    const auto block = arena_.allocate(capacity);
    if (!block) return false;
    Ring moved{*block, capacity, 0, 0, true, ring.busy_at};
    for (const Bytes piece : held(ring, 0, ring.size)) append(moved, piece);
    used_bytes_ += capacity;
    release(ring);
    ring = moved;
    return true;
}

void RingMemory::settle(Ring& ring, std::uint32_t least, TimePoint now) {
    if (!ring.in_budget) return;
    if (ring.size >= ring.capacity / 4) {
        ring.busy_at = now;
    } else if (ring.capacity > least && now - ring.busy_at > idle_patience) {
        if (resize(ring, ring.capacity / 2)) ring.busy_at = now;
    }
}

void RingMemory::release(Ring& ring) {
    if (ring.block == 0) return;
    arena_.release(ring.block, ring.capacity);
    (ring.in_budget ? used_bytes_ : control_bytes_) -= ring.capacity;
    ring = Ring{.busy_at = ring.busy_at};
}

std::array<MutableBytes, 2> RingMemory::room(const Ring& ring) const {
    if (ring.block == 0) return {};
    const MutableBytes memory = arena_.view(ring.block, ring.capacity);
    const std::size_t free = ring.capacity - ring.size;
    const std::size_t tail = (std::size_t{ring.head} + ring.size) % ring.capacity;
    const std::size_t first = std::min(free, ring.capacity - tail);
    return {memory.subspan(tail, first), memory.first(free - first)};
}

std::array<Bytes, 2> RingMemory::held(const Ring& ring, std::size_t skip, std::size_t count) const {
    if (ring.block == 0) return {};
    check(skip <= ring.size);
    const Bytes memory = arena_.view(ring.block, ring.capacity);
    count = std::min<std::size_t>(count, ring.size - skip);
    const std::size_t begin = (ring.head + skip) % ring.capacity;
    const std::size_t first = std::min(count, ring.capacity - begin);
    return {memory.subspan(begin, first), memory.first(count - first)};
}

void RingMemory::append(Ring& ring, Bytes bytes) const {
    const auto pieces = room(ring);
    check(pieces[0].size() + pieces[1].size() >= bytes.size());
    const std::size_t first = std::min(bytes.size(), pieces[0].size());
    if (first > 0) std::memcpy(pieces[0].data(), bytes.data(), first);
    if (first < bytes.size()) {
        std::memcpy(pieces[1].data(), bytes.data() + first, bytes.size() - first);
    }
    extend(ring, bytes.size());
}

void extend(Ring& ring, std::size_t count) {
    check(count <= ring.capacity - ring.size);
    ring.size += static_cast<std::uint32_t>(count);
}

void drop_front(Ring& ring, std::size_t count) {
    check(count <= ring.size);
    ring.size -= static_cast<std::uint32_t>(count);
    // An empty ring starts over at its beginning, where the memory is still in the cache.
    ring.head = ring.size == 0
                    ? 0
                    : static_cast<std::uint32_t>((std::size_t{ring.head} + count) % ring.capacity);
}

}  // namespace relay
