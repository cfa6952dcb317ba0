#include "daemon/carriers/acceptor.h"

#include <algorithm>

#include "daemon/carriers/socket_carrier.h"
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

Status Acceptor::begin(const TlsCertificate& certificate) {
    if (auto status = set_certificate(certificate); !status) return status;
    auto server = WebsocketServer::make(
        loop_, certificate,
        {.on_upgraded = [this](UpgradedSocket socket) { upgraded(std::move(socket)); },
         .on_gone = [this] { heed_limit(); },
         .page = options_.page});
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
    auto listener =
        TcpListener::open(loop_, endpoint.host, endpoint.port, accepted_on(endpoint.kind));
    if (!listener) return listener.error();
    listeners_.push_back({endpoint, std::move(*listener)});
    if (paused_) listeners_.back().listener->pause();
    return listeners_.back().listener->port();
}

std::uint16_t Acceptor::add_listening(const Endpoint& endpoint, UniqueFd listening) {
    listeners_.push_back(
        {endpoint, TcpListener::adopt(loop_, std::move(listening), accepted_on(endpoint.kind))});
    if (paused_) listeners_.back().listener->pause();
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

std::size_t Acceptor::unfinished_handshakes() const {
    const std::size_t introductions = options_.introductions ? options_.introductions() : 0;
    return openings_.size() + websockets_->connections() + introductions;
}

TcpListener::OnAccept Acceptor::accepted_on(CarrierKind kind) {
    return [this, kind](Accepted connection) { accepted(kind, std::move(connection.fd)); };
}

void Acceptor::accepted(CarrierKind kind, UniqueFd fd) {
    switch (kind) {
        case CarrierKind::Wss: websockets_->adopt_tls(std::move(fd)); break;
        case CarrierKind::Ws: websockets_->adopt_plain(std::move(fd)); break;
        case CarrierKind::Tls: accepted_tls(std::move(fd)); break;
    }
    heed_limit();
}

void Acceptor::accepted_tls(UniqueFd fd) {
    auto tls = TlsChannel::accepting(*tls_);
    if (!tls) {
        ++failed_;
        return;
    }
    const auto place = openings_.emplace(openings_.end());
    *place = std::make_unique<Opening>(loop_, random_, std::move(fd),
                                       Opening::Plan{.kind = CarrierKind::Tls,
                                                     .tls = std::move(*tls),
                                                     .upgrade_host = {},
                                                     .required_alpn = std::string{alpn_relayd},
                                                     .deadline = options_.handshake_deadline},
                                       [this, place](Result<std::unique_ptr<Carrier>> carrier) {
                                           openings_.erase(place);
                                           heed_limit();
                                           if (carrier) {
                                               on_carrier_(std::move(*carrier));
                                           } else {
                                               ++failed_;
                                           }
                                       });
}

void Acceptor::upgraded(UpgradedSocket socket) {
    OpenedSocket opened;
    opened.info.kind = socket.tls ? CarrierKind::Wss : CarrierKind::Ws;
    opened.info.peer_address = peer_address_text(socket.fd.get());
    if (socket.tls) opened.info.tls_exporter = socket.tls->exporter();
    opened.websocket = WebSocketRole::Server;
    opened.tls = std::move(socket.tls);
    opened.poll = std::make_unique<Poll>(loop_, std::move(socket.fd), nullptr);
    on_carrier_(std::make_unique<SocketCarrier>(loop_, random_, std::move(opened)));
}

void Acceptor::heed_limit() {
    const bool too_many = unfinished_handshakes() >= max_unfinished_handshakes;
    if (too_many == paused_) return;
    paused_ = too_many;
    for (auto& each : listeners_) {
        if (too_many) {
            each.listener->pause();
        } else {
            each.listener->resume();
        }
    }
}

}  // namespace relay
