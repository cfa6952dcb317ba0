// Requests of HTTP that somebody answers when he can, on the connections of a WebsocketServer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/strong_id.h"

struct lws;

namespace relay {

using HttpExchangeId = StrongId<struct HttpExchangeTag, std::uint64_t>;

// A request's head.
struct HttpRequest {
    bool is_post = false;
    std::string_view path;          // Without what follows a '?'.
    std::size_t body_size = 0;      // As its head says.
    std::string_view peer_address;  // "192.0.2.1:4711".
};

struct HttpAnswer {
    unsigned status = 200;
    ByteVector body = {};  // application/octet-stream.
    bool closes = false;
};

// Who answers requests. It may answer within these calls, and calls nothing else of the server's.
class HttpService {
public:
    virtual ~HttpService() = default;

    // Whether requests for this path are for him.
    virtual bool serves(std::string_view path) = 0;
    // A request begins. Yields how long its body may be; a longer one is thrown away.
    virtual std::size_t begun(HttpExchangeId exchange, const HttpRequest& request) = 0;
    // It is complete: now it may be answered, once. `body` is valid during the call.
    virtual void completed(HttpExchangeId exchange, Bytes body, bool was_too_long) = 0;
    // The answer is on its way, or the connection has ended. The last call for that exchange.
    virtual void ended(HttpExchangeId exchange) = 0;
    // What the connection keeps from now on, if it may stay as long as it likes; else nothing, and
    // it ends at its deadline.
    virtual std::shared_ptr<void> trust(HttpExchangeId exchange) = 0;
};

// libwebsockets' side of it: its callbacks, for connections with an exchange under way. What they
// return goes back to libwebsockets: anything but 0 closes the connection.
class HttpExchanges {
public:
    // Null: nobody is served.
    void set_service(HttpService* service) { service_ = service; }
    bool serves(std::string_view path) { return service_ != nullptr && service_->serves(path); }

    int begin(lws* wsi, std::string_view path, std::string_view peer_address);
    int receive(lws* wsi, Bytes part);
    int complete(lws* wsi);
    int write(lws* wsi);
    void gone(lws* wsi);

    // Nobody waits for answers to exchanges that are not known.
    void answer(HttpExchangeId id, HttpAnswer answer);
    // What HttpService::trust() says; nothing for a connection without an exchange.
    std::shared_ptr<void> trust(lws* wsi);

private:
    struct Exchange {
        HttpExchangeId id;
        std::size_t body_most = 0;
        bool is_too_long = false;
        ByteVector body = {};
        std::optional<HttpAnswer> answer = {};
    };

    HttpService* service_ = nullptr;
    std::map<lws*, Exchange> exchanges_;
    std::map<HttpExchangeId, lws*> connections_;
    std::uint64_t last_ = 0;
};

}  // namespace relay
