#include "daemon/gate/gate_server.h"

#include <fmt/format.h>

#include "common/control/version.h"
#include "daemon/log/message_ids.h"

namespace relay {

namespace {

constexpr Duration greeting_within = std::chrono::seconds{10};

}  // namespace

struct GateServer::Client {
    Client(GateServer& server, UniqueFd socket, GateAsker asker)
        : who(std::move(asker)),
          greeting_deadline(server.loop_, [this] { refuse("no greeting came"); }),
          connection(server.loop_, std::move(socket),
                     {.on_line = [this, &server](
                                     const std::string& line) { server.line_came(*this, line); },
                      .on_end =
                          [this, &server] {
                              has_ended = true;
                              greeting_deadline.disarm();
                              server.removal_.schedule();
                          }}) {
        connection.send(greeting_line("relayd-gate " RELAYD_VERSION));
        greeting_deadline.arm(greeting_within);
    }

    void refuse(const std::string& why) {
        connection.finish(error_line({}, {ErrorCode::Refused, why}));
    }

    GateAsker who;
    bool has_greeted = false;
    bool has_ended = false;
    UvTimer greeting_deadline;
    ClientConnection connection;
};

Result<std::unique_ptr<GateServer>> GateServer::open(Loop& loop, Log& log,
                                                     const GateServerOptions& options,
                                                     Handler handler) {
    std::unique_ptr<GateServer> server{
        new GateServer{loop, log, options.group, std::move(handler)}};
    auto listener = UnixListener::open(
        loop, {.path = options.path, .group = options.group},
        [raw = server.get()](UniqueFd socket) { raw->client_came(std::move(socket)); });
    if (!listener) return listener.error();
    server->listener_ = *std::move(listener);
    return server;
}

GateServer::GateServer(Loop& loop, Log& log, const std::string& group, Handler handler)
    : loop_(loop), log_(log), access_(group), handler_(std::move(handler)), removal_(loop, [this] {
          std::erase_if(clients_, [](const auto& client) { return client->has_ended; });
      }) {}

GateServer::~GateServer() = default;

void GateServer::client_came(UniqueFd socket) {
    if (clients_.size() >= 2 * max_clients) return;
    const auto peer = unix_peer_of(socket.get());
    if (!peer) return;
    const auto who = fmt::format("uid {}, process {}", peer->uid, peer->pid);
    clients_.push_back(
        std::make_unique<Client>(*this, std::move(socket), GateAsker{who, peer->uid}));
    if (const auto refusal = access_.refusal_of(*peer)) {
        log_.warning({.peer = who, .message_id = message_id::access_refused},
                     "a client of the control socket is refused: {}", *refusal);
        clients_.back()->refuse(*refusal);
    } else if (clients_.size() > max_clients) {
        clients_.back()->refuse("too many clients are connected already");
    }
}

void GateServer::line_came(Client& client, const std::string& line) {
    if (!client.has_greeted) {
        const auto greeting = read_greeting(line);
        if (!greeting) return client.refuse(greeting.error().text);
        client.has_greeted = true;
        return client.greeting_deadline.disarm();
    }
    const auto request = read_request(line);
    if (!request) {
        return client.connection.send(error_line(request.error().id, request.error().error));
    }
    const auto answer = handler_(*request, client.who);
    client.connection.send(answer ? ok_line(request->id, *answer)
                                  : error_line(request->id, answer.error()));
}

}  // namespace relay
