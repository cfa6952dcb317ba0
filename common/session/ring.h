// A byte ring whose bytes lie in an arena. The record is plain data without pointers; it holds a
// block only while there are bytes, or room for them has been asked for.
#pragma once

#include <array>

#include "common/base/bytes.h"
#include "common/session/arena.h"

namespace relay {

struct Ring {
    BlockOffset block = 0;  // 0: no memory.
    std::uint32_t capacity = 0;
    std::uint32_t head = 0;  // Where the first byte lies.
    std::uint32_t size = 0;  // How many bytes are held.
    bool in_budget = true;   // The control stream's is not.
};

// Gives rings their memory and takes it back, within the budget of one session.
class RingMemory {
public:
    RingMemory(Arena& arena, std::size_t budget_bytes)
        : arena_(arena), budget_bytes_(budget_bytes) {}

    // A quarter of the budget is kept back from what sends, so that what arrives finds room. The
    // control stream is outside of it: stalled streams must not stall their own closing.
    enum class Use { Sending, Receiving, Control };

    // False: the budget or the arena is spent. `ring` must hold no memory.
    bool allocate(Ring& ring, std::uint32_t capacity, Use use);
    void release(Ring& ring);

    std::array<MutableBytes, 2> room(const Ring& ring) const;
    // What is held, from `skip` bytes on and at most `count` bytes of it.
    std::array<Bytes, 2> held(const Ring& ring, std::size_t skip, std::size_t count) const;
    void append(Ring& ring, Bytes bytes) const;

    std::size_t used_bytes() const { return used_bytes_ + control_bytes_; }

private:
    Arena& arena_;
    std::size_t budget_bytes_;
    std::size_t used_bytes_ = 0;     // Of the budget.
    std::size_t control_bytes_ = 0;  // Outside of it.
};

// The bytes are in place, in room().
void extend(Ring& ring, std::size_t count);
void drop_front(Ring& ring, std::size_t count);

}  // namespace relay
