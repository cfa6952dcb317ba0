#include "daemon/carriers/acceptor.h"

#include <algorithm>

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
      door_(loop, {.deadline = options_.handshake_deadline,
                   .on_admitted =
                       [this](CarrierKind kind, UniqueFd fd, const Admission& admission) {
                           admitted(kind, std::move(fd), admission);
                       },
                   .on_turned_away = [this](const std::string& address,
                                            const char* why) { failed(address, why); }}) {}

Status Acceptor::begin(const TlsCertificate& certificate) {
    if (auto status = set_certificate(certificate); !status) return status;
    auto server = WebsocketServer::make(loop_, certificate, {.page = options_.page});
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
    // Openings that still need the old one's ALPN choice are few and end with it.
    openings_.clear();
    tls_ = std::make_unique<TlsContext>(std::move(*context));
    return Done{};
}

Result<std::uint16_t> Acceptor::add(const Endpoint& endpoint) {
    auto listener = TcpListener::open(loop_, endpoint.host, endpoint.port,
                                      accepted_on(endpoint.kind), options_.parking);
    if (!listener) return listener.error();
    (*listener)->set_on_shortage(options_.on_shortage);
    listeners_.push_back({endpoint, std::move(*listener)});
    return listeners_.back().listener->port();
}

std::uint16_t Acceptor::add_listening(const Endpoint& endpoint, UniqueFd listening) {
    listeners_.push_back(
        {endpoint, TcpListener::adopt(loop_, std::move(listening), accepted_on(endpoint.kind))});
    listeners_.back().listener->set_on_shortage(options_.on_shortage);
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

TcpListener::OnAccept Acceptor::accepted_on(CarrierKind kind) {
    return [this, kind](Accepted connection) { door_.arrived(kind, std::move(connection)); };
}

void Acceptor::failed(const std::string& address, const char* why) {
    ++failed_;
    if (options_.on_turned_away) options_.on_turned_away(address, why);
}

void Acceptor::admitted(CarrierKind kind, UniqueFd fd, const Admission& admission) {
    switch (kind) {
        case CarrierKind::Wss: return admitted_http(true, std::move(fd), admission);
        case CarrierKind::Ws: return admitted_http(false, std::move(fd), admission);
        case CarrierKind::Tls: return admitted_tls(std::move(fd), admission);
    }
}

void Acceptor::admitted_tls(UniqueFd fd, const Admission& admission) {
    const std::string address = peer_address_text(fd.get());
    auto tls = TlsChannel::accepting(*tls_);
    if (!tls) return failed(address, "no memory for TLS");
    const auto place = openings_.emplace(openings_.end());
    *place = std::make_unique<Opening>(
        loop_, random_, std::move(fd),
        Opening::Plan{.kind = CarrierKind::Tls,
                      .tls = std::move(*tls),
                      .upgrade_host = {},
                      .required_alpn = std::string{alpn_relayd},
                      .deadline = admission.deadline() - now()},
        [this, place, address, admission](Result<std::unique_ptr<Carrier>> carrier) {
            openings_.erase(place);
            if (!carrier) return failed(address, "its TLS handshake failed");
            on_carrier_(std::move(*carrier), admission);
        });
}

void Acceptor::admitted_http(bool tls, UniqueFd fd, const Admission& admission) {
    const std::string address = peer_address_text(fd.get());
    auto done = [this, address, admission](std::optional<UpgradedSocket> socket) {
        if (!socket) return failed(address, "it did not upgrade to relayd's protocol");
        upgraded(std::move(*socket), admission);
    };
    websockets_->adopt(std::move(fd), tls, admission.deadline(), std::move(done));
}

void Acceptor::upgraded(UpgradedSocket socket, Admission admission) {
    OpenedSocket opened;
    opened.info.kind = socket.tls ? CarrierKind::Wss : CarrierKind::Ws;
    opened.info.peer_address = peer_address_text(socket.fd.get());
    if (socket.tls) opened.info.tls_exporter = socket.tls->exporter();
    opened.websocket = WebSocketRole::Server;
    opened.tls = std::move(socket.tls);
    opened.poll = std::make_unique<Poll>(loop_, std::move(socket.fd), nullptr);
    on_carrier_(std::make_unique<SocketCarrier>(loop_, random_, std::move(opened)),
                std::move(admission));
}

}  // namespace relay
