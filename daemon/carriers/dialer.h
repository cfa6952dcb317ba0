// Dials one carrier: name resolution and proxies by libcurl, then TLS and WebSocket by our own
// means.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/endpoint.h"
#include "common/base/random.h"
#include "daemon/carriers/carrier.h"
#include "daemon/carriers/opening.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"
#include "daemon/io/tls_context.h"

namespace relay {

class TunnelDialer;

struct DialOptions {
    // "http://user:password@proxy:8080", "socks5h://proxy". Empty: as the environment says
    // (https_proxy, all_proxy, no_proxy). "direct": none, whatever the environment says.
    std::string proxy = {};
    std::string source = {};  // The local address to dial from; empty: any.
    TlsVerification verification = {};
    Duration deadline = std::chrono::seconds{20};  // For all of it.
};

// One attempt. Its errors name the endpoint and the proxy, without the proxy's password.
class Dialer {
public:
    // Called once, never from within the constructor; may destroy the Dialer.
    using OnDone = std::function<void(Result<std::unique_ptr<Carrier>>)>;

    // `loop` and `random` must outlive it. Destroying the Dialer gives up and calls nobody.
    Dialer(Loop& loop, Random& random, const Endpoint& endpoint, const DialOptions& options,
           OnDone on_done);
    ~Dialer();
    Dialer(const Dialer&) = delete;
    Dialer& operator=(const Dialer&) = delete;

private:
    void connected(Result<UniqueFd> fd);
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
    std::unique_ptr<Opening> opening_;
};

}  // namespace relay
