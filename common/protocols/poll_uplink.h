// The client's half of a tunnel's uplink: which bytes go into which POST, and which go again. Reads
// no clock and opens no socket.
#pragma once

#include <list>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/protocols/poll_bytes.h"
#include "common/protocols/poll_message.h"

namespace relay {

// Why a request was not answered by the relay.
enum class PollFailure {
    TooLarge,     // 413.
    Cut,          // The connection ended in the middle: some say so that a body is too large.
    Unreachable,  // Nobody was spoken to.
    Answer,       // Somebody else answered, or the relay wants another try.
};

class PollUplink {
public:
    std::size_t room() const { return poll_window_bytes - buffer_.size(); }
    // At most room().
    void write(Bytes bytes) { buffer_.append(bytes); }

    struct Post {
        std::uint64_t offset;
        Bytes body;  // Valid until the next call of anything but next().
    };
    // A POST to make now, which from now on is under way under this ticket.
    std::optional<Post> next(std::uint64_t ticket, TimePoint now);

    // The answer to a POST, or what became of it. Of a ticket that is not known (any more) only
    // `taken` counts. False: `taken` is of bytes that were never sent.
    bool taken(std::uint64_t ticket, std::uint64_t taken);
    void failed(std::uint64_t ticket, PollFailure failure, TimePoint now);
    // As an answer to `open` says.
    void set_body_most(std::size_t bytes);

    // When a POST is to be tried again.
    std::optional<TimePoint> deadline() const;
    // Since when every POST has failed; nothing while they do not.
    std::optional<TimePoint> failing_since() const { return failing_since_; }
    std::size_t body_most() const { return body_most_; }
    std::size_t unacknowledged() const { return buffer_.size(); }

private:
    // Bytes that travel together, in the order of their offsets.
    struct Piece {
        std::uint64_t offset;
        std::size_t size;
        std::optional<std::uint64_t> ticket;  // Under way.
        unsigned failures = 0;
        TimePoint not_before = TimePoint::min();
    };
    using Pieces = std::list<Piece>;

    Pieces::iterator find(std::uint64_t ticket);
    void cut_new_piece();
    void split(Pieces::iterator piece);
    std::size_t under_way() const;

    PollBuffer buffer_;  // Begins with the first byte that was not taken.
    Pieces pieces_;
    std::uint64_t assigned_ = 0;  // All bytes before are in pieces.
    std::size_t body_most_ = poll_body_most_bytes;
    std::size_t body_ceiling_ = poll_body_most_bytes;  // Lowered by 413 and never raised.
    unsigned full_ones_ = 0;                           // POSTs of full size since the last change.
    std::optional<TimePoint> failing_since_;
};

// How long to wait after so many failures of one request.
Duration poll_retry_delay(unsigned failures);

}  // namespace relay
