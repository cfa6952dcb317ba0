#include "daemon/control/server.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/log/message_ids.h"

namespace relay {

Result<std::unique_ptr<ControlServer>> ControlServer::open(Loop& loop, Operations& operations,
                                                           Log& log,
                                                           const ControlOptions& options) {
    std::unique_ptr<ControlServer> server{new ControlServer{loop, operations, log, options}};
    auto listener = UnixListener::open(
        loop, {.path = options.path, .group = options.group},
        [raw = server.get()](UniqueFd socket) { raw->client_came(std::move(socket)); });
    if (!listener) return listener.error();
    server->listener_ = *std::move(listener);
    return server;
}

ControlServer::ControlServer(Loop& loop, Operations& operations, Log& log,
                             const ControlOptions& options)
    : loop_(loop),
      operations_(operations),
      log_(log),
      access_(options.group),
      subscriptions_(operations),
      removal_(loop, [this] {
          std::erase_if(clients_, [](const auto& client) { return client->ended(); });
      }) {}

void ControlServer::client_came(UniqueFd socket) {
    // Twice the limit can wait for their refusal; beyond that, closing says enough.
    if (clients_.size() >= 2 * max_clients) return;
    const auto peer = unix_peer_of(socket.get());
    if (!peer)
        return log_.warning({.message_id = message_id::access_refused},
                            "a client of the control socket is refused: {}", peer.error().text);
    const auto who = fmt::format("uid {}, process {}", peer->uid, peer->pid);
    clients_.push_back(
        std::make_unique<ControlClient>(ClientContext{loop_, operations_, subscriptions_, log_},
                                        std::move(socket), who, [this] { removal_.schedule(); }));
    auto& client = *clients_.back();
    if (const auto refusal = access_.refusal_of(*peer)) {
        log_.warning({.peer = who, .message_id = message_id::access_refused},
                     "a client of the control socket is refused: {}", *refusal);
        client.refuse({ErrorCode::Refused, *refusal});
    } else if (clients_.size() > max_clients) {
        log_.warning({.peer = who, .message_id = message_id::access_refused},
                     "a client of the control socket is refused: {} are there", max_clients);
        client.refuse({ErrorCode::Refused, fmt::format("{} clients are connected already, and no "
                                                       "more are allowed; end one of them",
                                                       max_clients)});
    }
}

}  // namespace relay
