#include "common/session/ring.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/check.h"
#include "common/base/crash_fence.h"

namespace relay {

bool RingMemory::may_have(std::uint32_t capacity, std::uint32_t had) const {
    const auto leaves_as_much = [&](std::size_t used, std::size_t limit) {
        return used - had + 2 * std::size_t{capacity} <= limit;
    };
    return leaves_as_much(used_bytes_, limits_.session_bytes) &&
           leaves_as_much(arena_.used_bytes(), limits_.process_bytes);
}

MutableBytes RingMemory::view(RingPlace place) const {
    return arena_.view(place.block(), place.capacity());
}

bool RingMemory::allocate(Ring& ring, std::uint32_t wanted, Use use) {
    check(!ring.has_memory() && ring.size() == 0);
    const bool in_budget = use == Use::Stream;
    std::uint32_t capacity = std::max(wanted, limits_.ring_least_bytes);
    std::optional<BlockOffset> block;
    for (;; capacity /= 2) {
        const bool is_least = capacity <= limits_.ring_least_bytes;
        if (is_least || !in_budget || may_have(capacity, 0)) block = arena_.allocate(capacity);
        if (block || is_least) break;
    }
    if (!block) return false;
    ring.in_budget = in_budget;
    ring.place = RingPlace{*block, capacity};
    used_of(ring) += capacity;
    return true;
}

// What was in use before is not denied.
bool RingMemory::allocate_surely(Ring& ring, std::uint32_t capacity, Use use) {
    const auto block = arena_.allocate(capacity);
    if (!block) return false;
    ring.in_budget = use == Use::Stream;
    ring.place = RingPlace{*block, capacity};
    used_of(ring) += capacity;
    return true;
}

bool RingMemory::take_over(Ring& ring, const Ring& former, std::uint64_t end,
                           const ArenaRemains& remains, Use use) {
    check(!ring.has_memory());
    if (former.begin > former.end || former.end > end) return false;
    ring.begin = ring.end = former.begin;
    ring.busy_at = former.busy_at;
    if (former.begin == end) return true;
    if (!former.has_memory() || !former.place.makes_sense()) return false;
    const std::uint32_t capacity = former.capacity();
    const auto memory = remains.view(former.place.block(), capacity);
    if (!memory || end - former.begin > capacity) return false;
    if (!allocate_surely(ring, capacity, use)) return false;
    const std::size_t count = end - former.begin;
    const std::size_t begin = former.begin % capacity;
    const std::size_t first = std::min<std::size_t>(count, capacity - begin);
    append(ring, memory->subspan(begin, first));
    append(ring, memory->first(count - first));
    return true;
}

bool RingMemory::resize(Ring& ring, std::uint32_t capacity) {
    check(ring.has_memory() && ring.in_budget && ring.size() <= capacity);
    if (capacity > ring.capacity() && !may_have(capacity, ring.capacity())) return false;
    const auto block = arena_.allocate(capacity);
    if (!block) return false;
    Ring moved{.place = RingPlace{*block, capacity}, .begin = ring.begin, .end = ring.begin};
    for (const Bytes piece : held(ring, ring.begin, ring.size())) append(moved, piece);
    const RingPlace former = ring.place;
    crash_fence();
    ring.place = moved.place;
    crash_fence();
    used_bytes_ += capacity;
    used_bytes_ -= former.capacity();
    arena_.release(former.block(), former.capacity());
    return true;
}

void RingMemory::settle(Ring& ring, std::uint32_t least, TimePoint now) {
    if (!ring.in_budget) return;
    if (ring.size() >= ring.capacity() / 4) {
        ring.busy_at = now;
    } else if (ring.capacity() > least && now - ring.busy_at > idle_patience) {
        if (resize(ring, ring.capacity() / 2)) ring.busy_at = now;
    }
}

void RingMemory::release(Ring& ring) {
    if (!ring.has_memory()) return;
    const RingPlace former = std::exchange(ring.place, RingPlace{});
    ring.begin = ring.end;
    used_of(ring) -= former.capacity();
    arena_.release(former.block(), former.capacity());
}

std::array<MutableBytes, 2> RingMemory::room(const Ring& ring) const {
    if (!ring.has_memory()) return {};
    const MutableBytes memory = view(ring.place);
    const std::size_t free = free_bytes(ring);
    const std::size_t tail = ring.end % ring.capacity();
    const std::size_t first = std::min(free, ring.capacity() - tail);
    return {memory.subspan(tail, first), memory.first(free - first)};
}

std::array<Bytes, 2> RingMemory::held(const Ring& ring, std::uint64_t from,
                                      std::size_t count) const {
    if (!ring.has_memory()) return {};
    check(from >= ring.begin && from <= ring.end);
    const Bytes memory = view(ring.place);
    count = std::min<std::size_t>(count, ring.end - from);
    const std::size_t begin = from % ring.capacity();
    const std::size_t first = std::min(count, ring.capacity() - begin);
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
    check(count <= free_bytes(ring));
    crash_fence();
    ring.end += count;
}

void drop_front(Ring& ring, std::size_t count) {
    check(count <= ring.size());
    ring.begin += count;
    crash_fence();
}

}  // namespace relay
