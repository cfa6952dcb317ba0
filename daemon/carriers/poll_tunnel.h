// A home's end of a tunnel through GET and POST: moves bytes between one half of a socket pair and
// its requests. The carrier has the other half, and owns this.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/protocols/poll_asker.h"
#include "common/protocols/poll_uplink.h"
#include "daemon/carriers/http_calls.h"
#include "daemon/carriers/tunnel.h"
#include "daemon/io/loop.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"

namespace relay {

class PollTunnel final : public Underlay {
public:
    // What came of the attempt to open it. Called once, from the loop; may destroy us.
    using OnOpen = std::function<void(Status)>;

    // `prefix` is the path of the endpoint, without a slash at its end.
    PollTunnel(Loop& loop, HttpCalls::Options options, std::string prefix, const PollTunnelId& id,
               OnOpen on_open);
    PollTunnel(const PollTunnel&) = delete;
    PollTunnel& operator=(const PollTunnel&) = delete;

    bool has_connected() const { return calls_->has_connected(); }

    // Once it is open: from now on it moves bytes of this descriptor.
    void carry(UniqueFd near);

    std::string_view what_broke() const override { return what_broke_; }

private:
    enum class Kind { Open, Post, Get };

    void ended(std::uint64_t ticket, HttpCalls::Outcome outcome);
    void open_ended(const HttpCalls::Outcome& outcome);
    void take(Kind kind, std::uint64_t ticket, const PollAnswer& answer);
    void failed(Kind kind, std::uint64_t ticket, const HttpCalls::Outcome& outcome);
    void call(Kind kind, std::uint64_t at, Bytes body);
    void pump();
    bool inward();
    bool outward();
    void start_calls();
    void set_clock();
    void give_up(std::string why);

    Loop& loop_;
    std::string prefix_;
    PollTunnelId id_;
    OnOpen on_open_;
    PollUplink uplink_;
    PollAsker asker_;
    std::uint64_t next_ticket_ = 0;
    std::map<std::uint64_t, Kind> calls_under_way_;
    std::string what_broke_;
    bool has_all_ = false;        // The carrier sends nothing more.
    std::unique_ptr<Poll> near_;  // Null: not open yet, or over.
    Deferred pump_;
    UvTimer clock_;
    std::unique_ptr<HttpCalls> calls_;
};

}  // namespace relay
