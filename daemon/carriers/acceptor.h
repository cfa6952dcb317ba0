// Accepts carriers on any number of endpoints, and hands them on once their handshakes are done.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string_view>

#include "common/base/endpoint.h"
#include "common/base/random.h"
#include "daemon/carriers/carrier.h"
#include "daemon/carriers/opening.h"
#include "daemon/io/loop.h"
#include "daemon/io/tcp_listener.h"
#include "daemon/io/websocket_server.h"

namespace relay {

// Handshakes under way on all endpoints together; above it, new connections wait in the kernel.
constexpr std::size_t max_unfinished_handshakes = 256;

class Acceptor {
public:
    using OnCarrier = std::function<void(std::unique_ptr<Carrier>)>;
    using PageSource = std::function<std::optional<HttpPage>(std::string_view path)>;
    struct Options {
        PageSource page =
            {};  // What a browser sees on wss and ws endpoints; empty: 404 everywhere.
        Duration handshake_deadline = std::chrono::seconds{10};
        // How many carriers that were handed on have yet to prove a key: they count as unfinished.
        std::function<std::size_t()> introductions = {};
    };

    // `loop` and `random` must outlive it. `on_carrier` may not destroy the acceptor.
    static Result<std::unique_ptr<Acceptor>> make(Loop& loop, Random& random,
                                                  const TlsCertificate& certificate,
                                                  OnCarrier on_carrier, Options options);
    static Result<std::unique_ptr<Acceptor>> make(Loop& loop, Random& random,
                                                  const TlsCertificate& certificate,
                                                  OnCarrier on_carrier) {
        return make(loop, random, certificate, std::move(on_carrier), Options{});
    }
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

    // Listens on `endpoint`; its port (chosen by the system where it says 0). The other endpoints
    // stay as they are when this one fails.
    Result<std::uint16_t> add(const Endpoint& endpoint);
    // The same over a socket that listens already.
    std::uint16_t add_listening(const Endpoint& endpoint, UniqueFd listening);
    // Stops listening. Handshakes under way and carriers go on. `endpoint` is what was added.
    Status remove(const Endpoint& endpoint);

    // For connections that come from now on.
    Status set_certificate(const TlsCertificate& certificate);

    std::size_t unfinished_handshakes() const;
    // To be called when there are fewer introductions: who waits in the kernel may come.
    void heed_limit();
    // Handshakes that came to nothing, since the start.
    std::uint64_t failed_handshakes() const { return failed_; }

private:
    struct Listening {
        Endpoint endpoint;
        std::unique_ptr<TcpListener> listener;
    };

    Acceptor(Loop& loop, Random& random, OnCarrier on_carrier, Options options)
        : loop_(loop),
          random_(random),
          on_carrier_(std::move(on_carrier)),
          options_(std::move(options)) {}

    Status begin(const TlsCertificate& certificate);
    TcpListener::OnAccept accepted_on(CarrierKind kind);
    void accepted(CarrierKind kind, UniqueFd fd);
    void accepted_tls(UniqueFd fd);
    void upgraded(UpgradedSocket socket);

    Loop& loop_;
    Random& random_;
    OnCarrier on_carrier_;
    Options options_;
    std::unique_ptr<TlsContext> tls_;
    std::unique_ptr<WebsocketServer> websockets_;
    std::list<std::unique_ptr<Opening>> openings_;
    std::list<Listening> listeners_;
    bool paused_ = false;
    std::uint64_t failed_ = 0;
};

}  // namespace relay
