// How much memory each stream has: rings that grow to what their path needs, and what happens when
// there is none.
#include <algorithm>
#include <bit>
#include <utility>

#include "common/session/session.h"

namespace relay {

namespace {

constexpr Duration memory_retry_delay = std::chrono::milliseconds(50);
constexpr Duration round_trip_assumed = std::chrono::milliseconds(50);
constexpr std::uint32_t half_sent_soon_ms = 5;

// A receiver that drains at once needs no more than what one carrier delivers at a time.
constexpr std::uint32_t receiving_usual_bytes = 128 * 1024;

}  // namespace

// On the way its bytes come; another carrier's may be far shorter.
Duration Session::round_trip(const StreamRecord& stream) const {
    const Attachment* carrier = find(stream.answer_on);
    return carrier == nullptr ? round_trip_assumed
                              : carrier->round_trip.value_or(round_trip_assumed);
}

void Session::measure_credit(StreamRecord& stream, TimePoint now) {
    // While one half of the ring is on its way, the other is filled.
    const CreditLimits limits{std::min(2 * options_.ring_start_bytes, options_.ring_most_bytes),
                              turns_bytes(), options_.ring_most_bytes};
    measure(stream.credit, limits, stream.consumed(), round_trip(stream), now);
}

// Streams that share a carrier wait for each other's turns: with room for four, in the ring and on
// the way, each sends a whole one.
std::uint32_t Session::turns_bytes() const {
    return std::min(4 * options_.ring_start_bytes, options_.ring_most_bytes);
}

// It has sent half of its ring, and is full again, so soon that whatever comes next does not wait
// long behind a larger one. On a slower path that is what its bytes would do.
bool Session::needs_room_for_turns(StreamRecord& stream) const {
    const Ring& ring = stream.sending;
    if (free_bytes(ring) > 0 || ring.capacity() >= turns_bytes()) return false;
    using std::chrono::milliseconds;
    const auto at = static_cast<std::uint32_t>(
        std::chrono::duration_cast<milliseconds>(now_.time_since_epoch()).count());
    return at - std::exchange(stream.full_at_ms, at) < half_sent_soon_ms;
}

bool Session::may_grow(const StreamRecord& stream, std::uint32_t capacity) const {
    return capacity < options_.ring_most_bytes && capacity < stream.peer_window;
}

// The ring for what is sent: as large as it was when it was last in use, unless that is long ago.
bool Session::make_sending_room(StreamRecord& stream) {
    Ring& ring = stream.sending;
    const bool held_back = stream.held_back;
    stream.held_back = false;
    if (!ring.has_memory()) {
        if (now_ - ring.busy_at > idle_patience) {
            stream.sending_bytes /= 2;
            ring.busy_at = now_;
        }
        std::uint32_t wanted = std::max(stream.sending_bytes, options_.ring_start_bytes);
        if (held_back && may_grow(stream, wanted)) wanted *= 2;
        if (memory_.allocate(ring, wanted, RingMemory::Use::Stream)) return true;
        wait_for_memory(stream);
        return false;
    }
    const bool is_short = needs_room_for_turns(stream);
    if ((held_back || is_short) && may_grow(stream, ring.capacity())) {
        memory_.resize(ring, ring.capacity() * 2);
    }
    return free_bytes(ring) > 0;
}

// Returns how much of `count` bytes finds room.
std::size_t Session::make_receiving_room(StreamRecord& stream, std::size_t count) {
    Ring& ring = stream.receiving;
    const std::size_t needed =
        std::max<std::size_t>(ring.size() + count, options_.ring_start_bytes);
    if (!ring.has_memory()) {
        const auto usual = static_cast<std::uint32_t>(std::bit_ceil(
            std::max<std::size_t>(needed, std::min(stream.credit.window, receiving_usual_bytes))));
        if (!memory_.allocate(ring, usual, RingMemory::Use::Stream)) return 0;
    }
    while (ring.capacity() < needed && ring.capacity() < options_.ring_most_bytes) {
        if (!memory_.resize(ring, ring.capacity() * 2)) break;
    }
    return std::min<std::size_t>(count, free_bytes(ring));
}

// What found no room is asked for again, and the peer sends no more at a time than there is.
void Session::drop_the_rest(StreamRecord& stream, std::uint64_t end) {
    stream.dropped_to = std::max(stream.dropped_to, end);
    stream.rewind_asked = false;
    stream.credit.window = std::max(stream.receiving.capacity(), options_.ring_least_bytes);
    if (!stream.receiving.has_memory()) wait_for_memory(stream);
}

void Session::ask_to_rewind(StreamRecord& stream) {
    stream.rewind_asked = true;
    rewinds_owed_.push_back(stream.id);
}

// To be called when bytes have left their ring.
void Session::settle_sending(StreamRecord& stream) {
    Ring& ring = stream.sending;
    memory_.settle(ring, options_.ring_start_bytes, now_);
    stream.sending_bytes = ring.capacity();
    if (ring.size() > 0) return;
    memory_.release(ring);
    if (!memory_waiters_.empty()) serve_memory_waiters();
}

void Session::settle_receiving(StreamRecord& stream) {
    Ring& ring = stream.receiving;
    memory_.settle(ring, options_.ring_start_bytes, now_);
    if (stream.dropping() && !stream.rewind_asked && ring.size() <= ring.capacity() / 2) {
        ask_to_rewind(stream);
    }
    if (ring.size() > 0) return;
    memory_.release(ring);
    if (!memory_waiters_.empty()) serve_memory_waiters();
}

void Session::wait_for_memory(StreamRecord& stream) {
    if (!memory_retry_) memory_retry_ = now_ + memory_retry_delay;
    if (stream.wants_memory) return;
    stream.wants_memory = true;
    memory_waiters_.push_back(stream.id);
}

// In the order in which they came, as far as there is memory.
void Session::serve_memory_waiters() {
    for (std::size_t left = memory_waiters_.size(); left > 0; --left) {
        StreamRecord* stream = streams_.find(memory_waiters_.front());
        if (stream == nullptr || stream->resetting) {
            memory_waiters_.pop_front();
            continue;
        }
        const bool receives = stream->dropping() && !stream->receiving.has_memory();
        Ring probe;
        Ring& ring = receives ? stream->receiving : probe;
        if (!memory_.allocate(ring, options_.ring_least_bytes, RingMemory::Use::Stream)) break;
        memory_.release(probe);
        memory_waiters_.pop_front();
        stream->wants_memory = false;
        if (receives) ask_to_rewind(*stream);
        // A sender allocates when it reads, which it now may try again.
        if (stream->wants_room) {
            stream->wants_room = false;
            events_.push_back(StreamWritable{stream->id});
        }
    }
    if (!memory_waiters_.empty()) memory_retry_ = now_ + memory_retry_delay;
}

}  // namespace relay
