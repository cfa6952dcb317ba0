// The bytes of a stream from one offset to another, in a ring that lies in an arena. The record is
// plain data without pointers; it holds memory only while there are bytes, or room for them has
// been asked for.
//
// Where a byte lies follows from its offset alone, and each change is one store of eight bytes: so
// that another process can go on with a ring whatever this one was at when it was killed.
#pragma once

#include <array>
#include <bit>

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/session/arena.h"

namespace relay {

// A block and its size, a power of two, in one word.
class RingPlace {
public:
    RingPlace() = default;
    RingPlace(BlockOffset block, std::uint32_t capacity)
        : word_(block | static_cast<std::uint64_t>(std::countr_zero(capacity))) {}

    // Of what another process left: whether it can be true.
    bool makes_sense() const { return is_none() || (word_ & size_bits) <= 31; }

    bool is_none() const { return word_ == 0; }
    BlockOffset block() const { return word_ & ~size_bits; }
    std::uint32_t capacity() const {
        return is_none() ? 0 : std::uint32_t{1} << (word_ & size_bits);
    }

private:
    static constexpr std::uint64_t size_bits = Arena::block_min_bytes - 1;  // 0 in any block.

    std::uint64_t word_ = 0;
};

struct Ring {
    RingPlace place;
    std::uint64_t begin = 0;  // The offset of the first byte that is held,
    std::uint64_t end = 0;    // and the one behind the last. They outlive the memory,
    TimePoint busy_at{};      // and so does when it was last filled to a quarter.
    bool in_budget = true;    // The control stream's is not.

    bool has_memory() const { return !place.is_none(); }
    std::uint32_t capacity() const { return place.capacity(); }
    std::uint32_t size() const { return static_cast<std::uint32_t>(end - begin); }
};

// Gives rings their memory, moves them to more or less of it, and takes it back, within two
// budgets: of one session, and of all sessions in the arena. A ring may become as large as what it
// leaves free: so whoever comes later finds room, and the more the budget is spent, the smaller the
// rings that are handed out. The smallest ring is never denied, so that every stream goes on.
class RingMemory {
public:
    struct Limits {
        std::size_t session_bytes;  // Of this session's rings.
        std::size_t process_bytes;  // Of everything in the arena.
        std::uint32_t ring_least_bytes;
    };
    RingMemory(Arena& arena, const Limits& limits) : arena_(arena), limits_(limits) {}

    // The control stream is outside of the budget: stalled streams must not stall their own
    // closing.
    enum class Use { Stream, Control };
    // A ring as another process left it: what it held, with the bytes up to `end` that were
    // received since. False: that cannot have been a ring, or the arena has no memory.
    bool take_over(Ring& ring, const Ring& former, std::uint64_t end, const ArenaRemains& remains,
                   Use use);

    // So much as is wanted (a power of two) or, where the budget is short, less. `ring` must hold
    // no memory. False: not even the arena has any.
    bool allocate(Ring& ring, std::uint32_t wanted, Use use);
    // Moves what is held to `capacity` bytes, more or less than it has. False: the budget says no.
    bool resize(Ring& ring, std::uint32_t capacity);
    // To be called when bytes came or went: a ring that for idle_patience has needed less than a
    // quarter of what it has gives half of it back, down to `least`.
    void settle(Ring& ring, std::uint32_t least, TimePoint now);
    // What is held is forgotten: the ring begins where it ended.
    void release(Ring& ring);

    std::array<MutableBytes, 2> room(const Ring& ring) const;
    // What is held from the offset `from` on, at most `count` bytes of it.
    std::array<Bytes, 2> held(const Ring& ring, std::uint64_t from, std::size_t count) const;
    void append(Ring& ring, Bytes bytes) const;

    std::size_t used_bytes() const { return used_bytes_ + control_bytes_; }

private:
    bool may_have(std::uint32_t capacity, std::uint32_t had) const;
    bool allocate_surely(Ring& ring, std::uint32_t capacity, Use use);
    MutableBytes view(RingPlace place) const;
    std::size_t& used_of(const Ring& ring) { return ring.in_budget ? used_bytes_ : control_bytes_; }

    Arena& arena_;
    Limits limits_;
    std::size_t used_bytes_ = 0;     // Of the budget.
    std::size_t control_bytes_ = 0;  // Outside of it.
};

// After so long a ring that is hardly used gives half of its memory back.
inline constexpr Duration idle_patience = std::chrono::seconds(1);

// The bytes are in place, in room().
void extend(Ring& ring, std::size_t count);
void drop_front(Ring& ring, std::size_t count);
inline std::uint32_t free_bytes(const Ring& ring) {
    return ring.capacity() - ring.size();
}

}  // namespace relay
