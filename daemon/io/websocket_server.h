// The server's side of HTTP and WebSocket's upgrade, by libwebsockets on our loop. At the upgrade
// the connection leaves libwebsockets for good: whoever asked for it gets socket and TLS state.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"
#include "daemon/io/http_exchanges.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"
#include "daemon/io/tls_certificate.h"
#include "daemon/io/tls_channel.h"
#include "daemon/io/unique_fd.h"

namespace relay {

struct HttpPage {
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

struct UpgradedSocket {
    UniqueFd fd;
    std::unique_ptr<TlsChannel> tls;  // None on plain connections.
};

// One for each loop: of two libwebsockets contexts on one loop, one is never freed.
class WebsocketServer {
public:
    struct Handlers {
        // What a GET of this path shows; nothing makes it a 404.
        std::function<std::optional<HttpPage>(std::string_view path)> page;
        // Who asks, by a connection's hop and a request's X-Forwarded-For; empty: refused.
        std::function<std::string(const std::string& hop, std::string_view forwarded_for)>
            address_of;
        // Who answers requests for paths of his own. Must outlive the server.
        HttpService* service = nullptr;
    };

    // Makes libwebsockets silent in this process: what matters is reported by our own code.
    static Result<std::unique_ptr<WebsocketServer>> make(Loop& loop,
                                                         const TlsCertificate& certificate,
                                                         Handlers handlers);
    // Closes what has not upgraded, and calls nobody any more. libwebsockets itself ends with the
    // loop.
    ~WebsocketServer();
    WebsocketServer(const WebsocketServer&) = delete;
    WebsocketServer& operator=(const WebsocketServer&) = delete;

    // Called once, from a deferred task, when a connection has left libwebsockets: because its
    // client has upgraded to relayd.v1, or else without a socket. Never called, but destroyed as
    // soon as the connection may stay, for one whose requests the service has answered.
    using OnLeft = std::function<void(std::optional<UpgradedSocket>)>;
    struct Adoption {
        UniqueFd fd;
        bool tls;
        TimePoint deadline;  // For TLS and its request.
        std::string hop;     // Who speaks to us: "192.0.2.1:4711".
    };
    // Takes over an accepted connection.
    void adopt(Adoption adoption, OnLeft on_left);

    // To a request that the service was told of.
    void answer(HttpExchangeId exchange, HttpAnswer answer);

    // For connections adopted from now on.
    Status set_certificate(const TlsCertificate& certificate);

private:
    struct Core;
    WebsocketServer(Loop& loop, std::shared_ptr<Core> core);
    std::shared_ptr<Core> core_;  // Shared with the loop: libwebsockets calls until it has ended.
    UvTimer lateness_;
};

}  // namespace relay
