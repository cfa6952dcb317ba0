#include "common/session/ring.h"

#include <algorithm>
#include <cstring>

#include "common/base/check.h"

namespace relay {

bool RingMemory::allocate(Ring& ring, std::uint32_t capacity, Use use) {
    check(ring.block == 0);
    const std::size_t limit = use == Use::Sending ? budget_bytes_ / 4 * 3 : budget_bytes_;
    if (use != Use::Control && used_bytes_ + capacity > limit) return false;
    const auto block = arena_.allocate(capacity);
    if (!block) return false;
    const bool in_budget = use != Use::Control;
    (in_budget ? used_bytes_ : control_bytes_) += capacity;
    ring = Ring{*block, capacity, 0, 0, in_budget};
    return true;
}

void RingMemory::release(Ring& ring) {
    if (ring.block == 0) return;
    arena_.release(ring.block, ring.capacity);
    (ring.in_budget ? used_bytes_ : control_bytes_) -= ring.capacity;
    ring = Ring{};
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
