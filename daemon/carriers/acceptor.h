// Accepts carriers on any number of endpoints, and hands them on once their handshakes are done.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string_view>

#include "common/base/endpoint.h"
#include "common/base/random.h"
#include "common/settings/settings.h"
#include "daemon/carriers/carrier.h"
#include "daemon/carriers/door.h"
#include "daemon/carriers/opening.h"
#include "daemon/carriers/poll_tunnels.h"
#include "daemon/carriers/web_guest.h"
#include "daemon/io/loop.h"
#include "daemon/io/tcp_listener.h"
#include "daemon/io/websocket_server.h"

namespace relay {

// Connections to the web site that shares the ports, at a time; a source has half of them at most.
constexpr std::size_t max_site_connections = 1024;

class Acceptor {
public:
    // The carrier has yet to prove a key; its admission is to be kept until it has.
    using OnCarrier = std::function<void(std::unique_ptr<Carrier>, Admission)>;
    using PageSource = std::function<std::optional<HttpPage>(std::string_view path)>;
    struct Options {
        PageSource page =
            {};  // What a browser sees on wss and ws endpoints; empty: 404 everywhere.
        // For TLS, upgrade and the proof of a key together.
        Duration handshake_deadline = std::chrono::seconds{10};
        // A connection of which no carrier came, and why.
        std::function<void(const std::string& address, const char* why)> on_turned_away = {};
        // Nobody can be accepted for now, in the system's words; said with each try.
        std::function<void(const std::string& why)> on_shortage = {};
        // Who may say who is behind them, and end TLS.
        std::vector<Cidr> trusted_proxies = {};
        // The web server that shares the ports of wss and ws.
        std::optional<FallbackSettings> fallback = {};
        // Where listeners outlive the process.
        Parking* parking = nullptr;
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
    // Stops listening. Handshakes under way and carriers go on. `endpoint` is what was added.
    Status remove(const Endpoint& endpoint);

    // For connections that come from now on.
    Status set_certificate(const TlsCertificate& certificate);

    // Whether tunnels through GET and POST are served on wss and ws endpoints. They are at first.
    void set_poll(bool is_served) { poll_tunnels_.set_enabled(is_served); }
    // What may change while it runs.
    void reload(const RelaySettings& settings);

    // Under way, or with a carrier that has yet to prove a key.
    std::size_t unfinished_handshakes() const { return door_.inside(); }
    // Connections that have not begun theirs.
    std::size_t waiting_connections() const { return door_.outside(); }
    // Handshakes that came to nothing, since the start.
    std::uint64_t failed_handshakes() const { return failed_; }

private:
    struct Listening {
        Endpoint endpoint;
        std::unique_ptr<TcpListener> listener;
    };

    Acceptor(Loop& loop, Random& random, OnCarrier on_carrier, Options options);

    Status begin(const TlsCertificate& certificate);
    TcpListener::OnAccept accepted_on(const Endpoint& endpoint);
    void admitted(Entrant entrant, const Admission& admission);
    void admitted_tls(CarrierKind kind, Tunnel tunnel, const Admission& admission);
    void admitted_http(Entrant entrant, const Admission& admission);
    void admitted_to_site(Entrant entrant, const Admission& admission);
    void adopt(UniqueFd fd, bool tls, const Whence& whence, const Admission& admission);
    std::shared_ptr<void> place_at_site(const std::string& address);
    void upgraded(UpgradedSocket socket, const Whence& whence, Admission admission);
    void failed(const std::string& address, const char* why);

    Loop& loop_;
    Random& random_;
    OnCarrier on_carrier_;
    Options options_;
    std::unique_ptr<TlsContext> tls_;
    PollTunnels poll_tunnels_;
    std::unique_ptr<WebsocketServer> websockets_;
    std::unique_ptr<TlsContext> web_tls_;  // Where a web site shares the ports.
    std::shared_ptr<Turnstile> site_;      // Its connections; the places may outlive us.
    std::list<std::unique_ptr<WebGuest>> web_guests_;
    std::list<std::unique_ptr<Opening>> openings_;
    std::list<Listening> listeners_;
    std::uint64_t failed_ = 0;
    Door door_;  // Goes first: the admissions of the others find it gone.
};

}  // namespace relay
