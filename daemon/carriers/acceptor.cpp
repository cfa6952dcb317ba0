#include "daemon/carriers/acceptor.h"

#include <algorithm>

#include "common/base/check.h"
#include "daemon/carriers/socket_carrier.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

Result<std::unique_ptr<Acceptor>> Acceptor::make(Loop& loop, Random& random,
                                                 const TlsCertificate& certificate,
                                                 OnCarrier on_carrier, Options options) {
    std::unique_ptr<Acceptor> acceptor{
        new Acceptor{loop, random, std::move(on_carrier), std::move(options)}};
    if (auto status = acceptor->begin(certificate); !status) return status.error();
    return acceptor;
}

Acceptor::Acceptor(Loop& loop, Random& random, OnCarrier on_carrier, Options options)
    : loop_(loop),
      random_(random),
      on_carrier_(std::move(on_carrier)),
      options_(std::move(options)),
      poll_tunnels_(loop,
                    {.answer =
                         [this](HttpExchangeId exchange, HttpAnswer answer) {
                             websockets_->answer(exchange, std::move(answer));
                         },
                     .enter = [this](const std::string& address) { return door_.enter(address); },
                     .on_tunnel =
                         [this](Tunnel tunnel, const Admission& admission) {
                             admitted_tls(CarrierKind::Poll, std::move(tunnel), admission);
                         }}),
      site_(std::make_shared<Turnstile>(
          Turnstile::Limits{.inside_most = max_site_connections, .outside_most = 0})),
      door_(loop, {.deadline = options_.handshake_deadline,
                   .on_admitted =
                       [this](Entrant entrant, const Admission& admission) {
                           admitted(std::move(entrant), admission);
                       },
                   .on_turned_away = [this](const std::string& address,
                                            const char* why) { failed(address, why); }}) {
    door_.set_trusted_proxies(options_.trusted_proxies);
}

Status Acceptor::begin(const TlsCertificate& certificate) {
    if (auto status = set_certificate(certificate); !status) return status;
    auto server =
        WebsocketServer::make(loop_, certificate,
                              {.page = options_.page,
                               .address_of =
                                   [this](const std::string& hop, std::string_view field) {
                                       return client_address(hop, field, options_.trusted_proxies);
                                   },
                               .service = &poll_tunnels_});
    if (!server) return server.error();
    websockets_ = std::move(*server);
    return Done{};
}

Status Acceptor::set_certificate(const TlsCertificate& certificate) {
    auto context = TlsContext::server(certificate, alpn_relayd);
    if (!context) return context.error();
    if (websockets_) {
        if (auto status = websockets_->set_certificate(certificate); !status) return status;
    }
    auto web = TlsContext::server(certificate, alpn_http);
    if (!web) return web.error();
    // Openings that still need the old one's ALPN choice are few and end with it.
    openings_.clear();
    std::erase_if(web_guests_, [](const auto& guest) { return guest->is_securing(); });
    web_tls_ = std::make_unique<TlsContext>(std::move(*web));
    tls_ = std::make_unique<TlsContext>(std::move(*context));
    return Done{};
}

void Acceptor::reload(const RelaySettings& settings) {
    door_.set_deadline(settings.handshake_timeout);
    options_.trusted_proxies = settings.trusted_proxies;
    options_.fallback = settings.fallback;
    door_.set_trusted_proxies(settings.trusted_proxies);
    set_poll(settings.poll);
}

Result<std::uint16_t> Acceptor::add(const Endpoint& endpoint) {
    if (endpoint.kind == CarrierKind::Poll) {
        return Error{ErrorCode::Unsupported, "HTTP is served on wss:// and ws:// endpoints"};
    }
    auto listener = TcpListener::open(loop_, endpoint.host, endpoint.port, accepted_on(endpoint),
                                      options_.parking);
    if (!listener) return listener.error();
    (*listener)->set_on_shortage(options_.on_shortage);
    listeners_.push_back({endpoint, std::move(*listener)});
    return listeners_.back().listener->port();
}

Status Acceptor::remove(const Endpoint& endpoint) {
    const auto found =
        std::find_if(listeners_.begin(), listeners_.end(),
                     [&](const Listening& each) { return each.endpoint == endpoint; });
    if (found == listeners_.end()) {
        return Error{ErrorCode::NotFound, "not listening on " + to_text(endpoint)};
    }
    listeners_.erase(found);
    return Done{};
}

TcpListener::OnAccept Acceptor::accepted_on(const Endpoint& endpoint) {
    return [this, kind = endpoint.kind, path = endpoint.path](Accepted connection) {
        door_.arrived(kind, path, std::move(connection));
    };
}

void Acceptor::failed(const std::string& address, const char* why) {
    ++failed_;
    if (options_.on_turned_away) options_.on_turned_away(address, why);
}

void Acceptor::admitted(Entrant entrant, const Admission& admission) {
    switch (entrant.kind) {
        case CarrierKind::Wss:
        case CarrierKind::Ws: return admitted_http(std::move(entrant), admission);
        case CarrierKind::Tls:
            return admitted_tls(entrant.kind,
                                {std::move(entrant.fd), nullptr, std::move(entrant.whence.address)},
                                admission);
        case CarrierKind::Poll: unreachable();  // Comes by the others' endpoints.
    }
}

void Acceptor::admitted_tls(CarrierKind kind, Tunnel tunnel, const Admission& admission) {
    const std::string address =
        tunnel.peer_address.empty() ? peer_address_text(tunnel.fd.get()) : tunnel.peer_address;
    auto tls = TlsChannel::accepting(*tls_);
    if (!tls) return failed(address, "no memory for TLS");
    const auto place = openings_.emplace(openings_.end());
    *place = std::make_unique<Opening>(
        loop_, random_, std::move(tunnel),
        Opening::Plan{.kind = kind,
                      .tls = std::move(*tls),
                      .upgrade_host = {},
                      .upgrade_fields = {},
                      .required_alpn = std::string{alpn_relayd},
                      .deadline = admission.deadline() - now()},
        [this, place, address, admission](Result<std::unique_ptr<Carrier>> carrier) {
            openings_.erase(place);
            if (!carrier) return failed(address, "its TLS handshake failed");
            on_carrier_(std::move(*carrier), admission);
        });
}

void Acceptor::admitted_http(Entrant entrant, const Admission& admission) {
    if (options_.fallback) return admitted_to_site(std::move(entrant), admission);
    adopt(std::move(entrant.fd), entrant.kind == CarrierKind::Wss, entrant.whence, admission);
}

void Acceptor::adopt(UniqueFd fd, bool tls, const Whence& whence, const Admission& admission) {
    auto done = [this, whence, admission](std::optional<UpgradedSocket> socket) {
        if (!socket) return failed(whence.address, "it did not upgrade to relayd's protocol");
        upgraded(std::move(*socket), whence, admission);
    };
    websockets_->adopt(
        {.fd = std::move(fd), .tls = tls, .deadline = admission.deadline(), .hop = whence.hop},
        std::move(done));
}

void Acceptor::admitted_to_site(Entrant entrant, const Admission& admission) {
    WebGuest::Plan plan{.fd = std::move(entrant.fd),
                        .tls = nullptr,
                        .whence = entrant.whence,
                        .path = std::move(entrant.path),
                        .fallback = *options_.fallback,
                        .trusted_proxies = options_.trusted_proxies,
                        .admission = admission};
    if (entrant.kind == CarrierKind::Wss) {
        auto tls = TlsChannel::accepting(*web_tls_);
        if (!tls) return failed(entrant.whence.address, "no memory for TLS");
        plan.tls = std::move(*tls);
    }
    const auto guest = web_guests_.emplace(web_guests_.end());
    WebGuest::House house{
        .polls = [this](std::string_view path) { return poll_tunnels_.serves(path); },
        .place = [this](const std::string& address) { return place_at_site(address); },
        .on_poll = [this](UniqueFd fd, const Whence& whence,
                          const Admission& held) { adopt(std::move(fd), false, whence, held); },
        .on_carrier =
            [this, whence = entrant.whence](OpenedSocket opened, Admission held) {
                opened.info.kind = opened.tls ? CarrierKind::Wss : CarrierKind::Ws;
                opened.info.peer_address = whence.address;
                if (opened.tls) {
                    opened.info.tls_exporter = opened.tls->exporter();
                } else {
                    opened.info.may_be_unbound = whence.is_through_proxy;
                }
                opened.websocket = WebSocketRole::Server;
                on_carrier_(std::make_unique<SocketCarrier>(loop_, random_, std::move(opened)),
                            std::move(held));
            },
        .on_over =
            [this, guest, address = entrant.whence.address](const char* why) {
                web_guests_.erase(guest);
                if (why != nullptr) failed(address, why);
            }};
    *guest = std::make_unique<WebGuest>(loop_, std::move(plan), std::move(house));
}

std::shared_ptr<void> Acceptor::place_at_site(const std::string& address) {
    const IpAddress source = source_of(address);
    if (!site_->enter_at_once(source)) return nullptr;
    return {site_.get(), [site = site_, source](void*) { site->left(source); }};
}

void Acceptor::upgraded(UpgradedSocket socket, const Whence& whence, Admission admission) {
    OpenedSocket opened;
    opened.info.kind = socket.tls ? CarrierKind::Wss : CarrierKind::Ws;
    opened.info.peer_address = whence.address;
    if (socket.tls) {
        opened.info.tls_exporter = socket.tls->exporter();
    } else {
        opened.info.may_be_unbound = whence.is_through_proxy;
    }
    opened.websocket = WebSocketRole::Server;
    opened.tls = std::move(socket.tls);
    opened.poll = std::make_unique<Poll>(loop_, std::move(socket.fd), nullptr);
    on_carrier_(std::make_unique<SocketCarrier>(loop_, random_, std::move(opened)),
                std::move(admission));
}

}  // namespace relay
