// The relay's end of a tunnel through GET and POST: which request is answered with what, and when.
// Reads no clock and opens no socket.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/strong_id.h"
#include "common/base/time.h"
#include "common/protocols/poll_bytes.h"
#include "common/protocols/poll_message.h"

namespace relay {

// A request that waits for its answer.
using ExchangeId = StrongId<struct ExchangeTag, std::uint64_t>;

class PollAnswerer {
public:
    struct Answer {
        ExchangeId exchange;
        ByteVector body;
    };

    // A request that is complete. Each gets one answer, now or later, by next_answer().
    void opened(ExchangeId exchange);
    void up(ExchangeId exchange, std::uint64_t offset, Bytes body, std::uint64_t done,
            TimePoint now);
    void down(ExchangeId exchange, std::uint64_t number, std::uint64_t done, TimePoint now);
    // Nobody waits for that answer any more.
    void gone(ExchangeId exchange);

    std::optional<Answer> next_answer();

    // Uplink.
    Bytes ready() const { return inlet_.ready(); }
    void consume(std::size_t size);
    // Downlink. Writes at most room().
    std::size_t room() const { return poll_window_bytes - buffer_.size(); }
    void write(Bytes bytes);
    // Nothing follows.
    void end();

    std::size_t waiting() const { return posts_.size() + gets_.size(); }
    // When some request must be answered, be it with nothing.
    std::optional<TimePoint> deadline() const;
    void deadline_reached(TimePoint now);

private:
    struct WaitingPost {
        ExchangeId exchange;
        std::uint64_t end;
        TimePoint until;
    };
    struct WaitingGet {
        ExchangeId exchange;
        TimePoint until;
    };
    struct Range {
        std::uint64_t begin;
        std::uint64_t end;
    };

    void say(ExchangeId exchange, const PollAnswer& answer);
    void finish_posts();
    void advance(std::uint64_t done);
    void serve();
    void give(ExchangeId exchange, const Range& range);
    void give_all(std::uint64_t number, const Range& range);

    PollInlet inlet_{poll_window_bytes};
    std::vector<WaitingPost> posts_;
    PollBuffer buffer_;
    std::uint64_t assigned_ = 0;                     // All bytes before belong to numbers.
    std::multimap<std::uint64_t, WaitingGet> gets_;  // Some may come twice.
    std::map<std::uint64_t, Range> given_;           // Numbers that are not done.
    std::uint64_t done_ = 0;
    bool has_ended_ = false;
    std::deque<Answer> answers_;
};

// How long a request waits for something to answer it with.
inline constexpr Duration poll_hold = std::chrono::seconds{20};

}  // namespace relay
