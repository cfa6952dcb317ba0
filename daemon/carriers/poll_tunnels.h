// The relay's tunnels through GET and POST, and the requests that are for them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/protocols/poll_message.h"
#include "daemon/carriers/door.h"
#include "daemon/carriers/poll_tunnel_end.h"
#include "daemon/carriers/tunnel.h"
#include "daemon/io/http_exchanges.h"
#include "daemon/io/loop.h"

namespace relay {

inline constexpr std::size_t max_poll_tunnels = 16384;

class PollTunnels final : public HttpService {
public:
    struct Options {
        std::function<void(HttpExchangeId, HttpAnswer)> answer;
        // A place for a new tunnel from this address, or nothing.
        std::function<std::optional<Admission>(const std::string& address)> enter;
        // The carrier's end of a new one.
        std::function<void(Tunnel, Admission)> on_tunnel;
    };
    // `on_tunnel` may not destroy it.
    PollTunnels(Loop& loop, Options options) : loop_(loop), options_(std::move(options)) {}
    PollTunnels(const PollTunnels&) = delete;
    PollTunnels& operator=(const PollTunnels&) = delete;

    // Switched off, it ends its tunnels.
    void set_enabled(bool is_enabled);
    std::size_t count() const { return tunnels_.size(); }

    bool serves(std::string_view path) override;
    std::size_t begun(HttpExchangeId exchange, const HttpRequest& request) override;
    void completed(HttpExchangeId exchange, Bytes body, bool was_too_long) override;
    void ended(HttpExchangeId exchange) override;
    std::shared_ptr<void> trust(HttpExchangeId exchange) override;

private:
    // A request that is not over.
    struct Asked {
        std::optional<PollRequest> request;  // Nothing: it makes no sense.
        std::string address;
    };
    void answer(HttpExchangeId exchange, ByteVector body);
    PollTunnelEnd* find(const Asked& asked) const;
    PollTunnelEnd* open(const Asked& asked);
    void refuse(HttpExchangeId exchange, unsigned status);

    Loop& loop_;
    Options options_;
    bool is_enabled_ = true;
    std::map<PollTunnelId, std::unique_ptr<PollTunnelEnd>> tunnels_;
    std::map<HttpExchangeId, Asked> asked_;
};

}  // namespace relay
