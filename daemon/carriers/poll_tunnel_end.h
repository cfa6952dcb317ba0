// The relay's end of one tunnel through GET and POST: moves bytes between its requests and one half
// of a socket pair, whose other half is a carrier's.
#pragma once

#include <functional>
#include <memory>

#include "common/protocols/poll_answerer.h"
#include "daemon/carriers/door.h"
#include "daemon/io/loop.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"

namespace relay {

class PollTunnelEnd {
public:
    struct User {
        std::function<void(PollAnswerer::Answer)> answer;
        std::function<void()> over;  // From a deferred task; may destroy the tunnel.
    };
    // `place` ends when the home has proved its key, or has failed to.
    PollTunnelEnd(Loop& loop, UniqueFd near, std::weak_ptr<void> place, User user);
    PollTunnelEnd(const PollTunnelEnd&) = delete;
    PollTunnelEnd& operator=(const PollTunnelEnd&) = delete;

    void opened(ExchangeId exchange);
    void up(ExchangeId exchange, std::uint64_t offset, Bytes body, std::uint64_t done);
    void down(ExchangeId exchange, std::uint64_t number, std::uint64_t done);
    void gone(ExchangeId exchange);

    bool is_proven() const { return near_ != nullptr && place_.expired(); }
    std::size_t waiting() const { return answerer_.waiting(); }
    // For a connection that may stay, because this tunnel uses it; nothing before the key is
    // proved, nor for too many of them.
    std::shared_ptr<void> trust() const;

private:
    void pump();
    bool inward();
    bool outward();
    void close_near();
    void look_at_clock();

    std::weak_ptr<void> place_;
    User user_;
    PollAnswerer answerer_;
    std::shared_ptr<bool> trust_ = std::make_shared<bool>(true);
    std::unique_ptr<Poll> near_;  // Null: the carrier is gone.
    TimePoint last_request_;
    Deferred pump_;
    Deferred over_;
    UvTimer clock_;
};

}  // namespace relay
