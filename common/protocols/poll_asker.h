// The client's half of a tunnel's downlink: which numbers are asked for, and what they brought.
// Reads no clock and opens no socket.
#pragma once

#include <map>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/protocols/poll_bytes.h"
#include "common/protocols/poll_message.h"

namespace relay {

class PollAsker {
public:
    // A number to ask for now, which from now on is asked for under this ticket.
    std::optional<std::uint64_t> next(std::uint64_t ticket, TimePoint now);

    // What an answer brought. False: it cannot be the answer of a relay that keeps the rules.
    bool answered(std::uint64_t ticket, const PollAnswer& answer);
    void failed(std::uint64_t ticket, TimePoint now);

    Bytes ready() const { return inlet_.ready(); }
    void consume(std::size_t size) { inlet_.consume(size); }
    // All bytes up to the tunnel's end have been consumed.
    bool is_over() const { return end_ && inlet_.consumed() == *end_; }

    // All numbers below have been answered.
    std::uint64_t done() const { return numbers_.empty() ? next_number_ : numbers_.begin()->first; }
    std::optional<TimePoint> deadline() const;
    // Since when every GET has failed; nothing while they do not.
    std::optional<TimePoint> failing_since() const { return failing_since_; }

private:
    struct Number {
        std::optional<std::uint64_t> ticket;  // Under way.
        unsigned failures = 0;
        TimePoint not_before = TimePoint::min();
    };
    std::map<std::uint64_t, Number>::iterator find(std::uint64_t ticket);
    std::size_t under_way() const;

    std::map<std::uint64_t, Number> numbers_;  // Asked for, and not answered.
    std::uint64_t next_number_ = 0;
    // The relay's window begins where bytes have arrived, which may be as far before they are
    // consumed.
    PollInlet inlet_{2 * poll_window_bytes};
    std::optional<std::uint64_t> end_;
    std::optional<TimePoint> failing_since_;
};

}  // namespace relay
