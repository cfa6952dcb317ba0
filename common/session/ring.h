// A byte ring whose bytes lie in an arena. The record is plain data without pointers; it holds a
// block only while there are bytes, or room for them has been asked for.
#pragma once

#include <array>

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/session/arena.h"

namespace relay {

struct Ring {
    BlockOffset block = 0;  // 0: no memory.
    std::uint32_t capacity = 0;
    std::uint32_t head = 0;  // Where the first byte lies.
    std::uint32_t size = 0;  // How many bytes are held.
    bool in_budget = true;   // The control stream's is not.
    TimePoint busy_at{};     // When it was last filled to a quarter; outlives the memory.
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

    // So much as is wanted (a power of two) or, where the budget is short, less. `ring` must hold
    // no memory. False: not even the arena has any.
    bool allocate(Ring& ring, std::uint32_t wanted, Use use);
    // Moves what is held to `capacity` bytes, more or less than it has. False: the budget says no.
    bool resize(Ring& ring, std::uint32_t capacity);
    // To be called when bytes came or went: a ring that for idle_patience has needed less than a
    // quarter of what it has gives half of it back, down to `least`.
    void settle(Ring& ring, std::uint32_t least, TimePoint now);
    void release(Ring& ring);

    std::array<MutableBytes, 2> room(const Ring& ring) const;
    // What is held, from `skip` bytes on and at most `count` bytes of it.
    std::array<Bytes, 2> held(const Ring& ring, std::size_t skip, std::size_t count) const;
    void append(Ring& ring, Bytes bytes) const;

    std::size_t used_bytes() const { return used_bytes_ + control_bytes_; }

private:
    bool may_have(std::uint32_t capacity, std::uint32_t had) const;

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
    return ring.capacity - ring.size;
}

}  // namespace relay
