#include "daemon/carriers/poll_tunnels.h"

#include "daemon/carriers/socket_pair.h"

namespace relay {

namespace {

constexpr std::size_t waiting_most = 24;  // Requests of one tunnel.
constexpr unsigned status_later = 503;
constexpr unsigned status_malformed = 400;
constexpr unsigned status_too_large = 413;

// A method that does not fit its path makes no sense either.
std::optional<PollRequest> request_of(const HttpRequest& head) {
    auto request = parse_poll_path(head.path);
    if (request && head.is_post == (request->kind == PollRequest::Kind::Down)) return std::nullopt;
    return request;
}

}  // namespace

void PollTunnels::set_enabled(bool is_enabled) {
    is_enabled_ = is_enabled;
    if (is_enabled) return;
    tunnels_.clear();
    for (const auto& [exchange, asked] : asked_) answer(exchange, poll_answer({}));
}

bool PollTunnels::serves(std::string_view path) {
    return is_enabled_ && is_poll_path(path);
}

PollTunnelEnd* PollTunnels::find(const Asked& asked) const {
    if (!asked.request) return nullptr;
    const auto found = tunnels_.find(asked.request->tunnel);
    return found == tunnels_.end() ? nullptr : found->second.get();
}

std::size_t PollTunnels::begun(HttpExchangeId exchange, const HttpRequest& request) {
    const Asked& asked =
        asked_[exchange] = {request_of(request), std::string{request.peer_address}};
    const PollTunnelEnd* tunnel = find(asked);
    if (tunnel == nullptr) return 0;
    return tunnel->is_proven() ? poll_body_most_bytes : poll_body_unproven_bytes;
}

void PollTunnels::completed(HttpExchangeId exchange, Bytes body, bool was_too_long) {
    const Asked& asked = asked_.at(exchange);
    if (!asked.request) return refuse(exchange, status_malformed);
    const bool is_open = asked.request->kind == PollRequest::Kind::Open;
    PollTunnelEnd* tunnel = find(asked);
    if (is_open && tunnel == nullptr) tunnel = open(asked);
    if (is_open && tunnel == nullptr) return refuse(exchange, status_later);
    if (tunnel == nullptr) return answer(exchange, poll_answer({}));
    if (tunnel->waiting() >= waiting_most) return refuse(exchange, status_later);
    const PollRequest& request = *asked.request;
    const ExchangeId id{exchange.value};
    switch (request.kind) {
        case PollRequest::Kind::Open: return tunnel->opened(id);
        case PollRequest::Kind::Down: return tunnel->down(id, request.at, request.done);
        case PollRequest::Kind::Up: break;
    }
    // Before the proof it may only be too early.
    if (was_too_long)
        return refuse(exchange, tunnel->is_proven() ? status_too_large : status_later);
    tunnel->up(id, request.at, body, request.done);
}

PollTunnelEnd* PollTunnels::open(const Asked& asked) {
    if (tunnels_.size() >= max_poll_tunnels) return nullptr;
    auto admission = options_.enter(asked.address);
    if (!admission) return nullptr;
    auto pair = make_socket_pair();
    if (!pair) return nullptr;
    const PollTunnelId id = asked.request->tunnel;
    PollTunnelEnd::User user{
        .answer =
            [this](PollAnswerer::Answer given) {
                answer({given.exchange.value}, std::move(given.body));
            },
        .over = [this, id] { tunnels_.erase(id); },
    };
    auto& tunnel = tunnels_[id];
    tunnel = std::make_unique<PollTunnelEnd>(loop_, std::move(pair->near), admission->watch(),
                                             std::move(user));
    options_.on_tunnel(Tunnel{std::move(pair->carrier), nullptr, asked.address},
                       std::move(*admission));
    return tunnel.get();
}

void PollTunnels::refuse(HttpExchangeId exchange, unsigned status) {
    options_.answer(exchange, {.status = status, .body = {}});
}

void PollTunnels::answer(HttpExchangeId exchange, ByteVector body) {
    options_.answer(exchange, {.body = std::move(body)});
}

void PollTunnels::ended(HttpExchangeId exchange) {
    const auto asked = asked_.find(exchange);
    if (asked == asked_.end()) return;
    if (PollTunnelEnd* tunnel = find(asked->second)) tunnel->gone({exchange.value});
    asked_.erase(asked);
}

std::shared_ptr<void> PollTunnels::trust(HttpExchangeId exchange) {
    const auto asked = asked_.find(exchange);
    if (asked == asked_.end()) return nullptr;
    const PollTunnelEnd* tunnel = find(asked->second);
    return tunnel == nullptr ? nullptr : tunnel->trust();
}

}  // namespace relay
