// Dials one carrier: name resolution and proxies by libcurl, then TLS and WebSocket by our own
// means.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/endpoint.h"
#include "common/base/random.h"
#include "common/settings/settings.h"
#include "daemon/carriers/carrier.h"
#include "daemon/carriers/opening.h"
#include "daemon/carriers/proxy_options.h"
#include "daemon/carriers/tunnel.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"
#include "daemon/io/tls_context.h"

namespace relay {

class PollTunnel;
class TunnelDialer;

struct DialOptions {
    // "http://user:password@proxy:8080", "socks5h://proxy". Empty: as the environment says
    // (https_proxy, all_proxy, no_proxy). "direct": none, whatever the environment says.
    std::string proxy = {};
    std::string proxy_authorities = {};  // PEM file, for https:// proxies; empty: the system's.
    std::string source = {};             // The local address to dial from; empty: any.
    TlsVerification verification = {};
    Appearance appearance = {};
    bool tls_ended_by_proxy = false;               // On wss, where it may be.
    KnockPlan knock = {};                          // Before each connection that has no proxy.
    Duration deadline = std::chrono::seconds{20};  // For all of it.
};

// As the home's settings have it. Knocks are signed by a key, so that `knock_packet` makes them.
DialOptions dial_options(const DialSettings& settings, const std::string& source,
                         std::function<Result<ByteVector>()> knock_packet);

// One attempt. Its errors name the endpoint and the proxy, without the proxy's password.
class Dialer {
public:
    // Called once, never from within the constructor; may destroy the Dialer.
    using OnDone = std::function<void(Result<std::unique_ptr<Carrier>>)>;
    enum class Stage { Reaching, Securing, Upgrading };

    // `loop` and `random` must outlive it. Destroying the Dialer gives up and calls nobody.
    Dialer(Loop& loop, Random& random, const Endpoint& endpoint, const DialOptions& options,
           OnDone on_done);
    ~Dialer();
    Dialer(const Dialer&) = delete;
    Dialer& operator=(const Dialer&) = delete;

    // How far it is, or was when it failed: by a proxy or not, TLS, WebSocket.
    Stage stage() const;
    // Somebody has accepted a connection: the relay, or the proxy before it.
    bool has_touched() const;

private:
    void begin();
    void begin_poll();
    void poll_opened(Status status);
    Road road() const;
    std::string shown_road() const;
    void connected(Result<Tunnel> tunnel);
    Result<Opening::Plan> plan_opening() const;
    void finish(Result<std::unique_ptr<Carrier>> result);

    Loop& loop_;
    Random& random_;
    Endpoint endpoint_;
    DialOptions options_;
    OnDone on_done_;
    TimePoint deadline_at_;
    UvTimer deadline_;
    std::unique_ptr<TunnelDialer> tunnel_;
    std::unique_ptr<PollTunnel> poll_tunnel_;
    std::unique_ptr<Opening> opening_;
    Stage failed_at_ = Stage::Reaching;
    bool was_touched_ = false;
};

}  // namespace relay
