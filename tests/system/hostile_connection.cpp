#include "tests/system/hostile_connection.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdlib>
#include <optional>

#include "common/base/byte_writer.h"
#include "common/protocols/websocket_handshake.h"

namespace relay::hostile {

namespace {

[[noreturn]] void give_up(const std::string& why) {
    fmt::print("gave up: {}\n", why);
    std::exit(3);
}

}  // namespace

Connection::Connection(std::uint16_t port)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), role_(WebSocketRole::Client) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        give_up("cannot connect");
    }
    upgrade();
}

Connection::Connection(UniqueFd accepted) : fd_(std::move(accepted)), role_(WebSocketRole::Server) {
    answer_upgrade();
}

void Connection::upgrade() {
    const auto request =
        websocket_request({.host = "127.0.0.1", .path = "/", .key = new_websocket_key(random_)});
    (void)::send(fd_.get(), request->data(), request->size(), MSG_NOSIGNAL);
    if (read_head().find(" 101 ") == std::string::npos) give_up("not upgraded");
}

void Connection::answer_upgrade() {
    const std::string head = read_head();
    const std::string field = "Sec-WebSocket-Key: ";
    const auto begins = head.find(field);
    if (begins == std::string::npos) give_up("no request to upgrade");
    const std::string key = head.substr(begins + field.size(), 24);
    const std::string answer = fmt::format(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
        websocket_accept_value(key), websocket_subprotocol);
    (void)::send(fd_.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
}

std::string Connection::read_head() {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
        char byte;
        if (recv(fd_.get(), &byte, 1, 0) != 1) give_up("closed in the upgrade");
        head += byte;
    }
    return head;
}

bool Connection::send(Bytes bytes) {
    ByteVector message(max_websocket_header);
    std::optional<WebSocketMask> mask;
    if (role_ == WebSocketRole::Client) mask = WebSocketMask{1, 2, 3, 4};
    message.resize(put_websocket_header(message, WebSocketOpcode::Binary, bytes.size(), mask));
    const std::size_t header = message.size();
    message.insert(message.end(), bytes.begin(), bytes.end());
    if (mask) apply_websocket_mask(MutableBytes{message}.subspan(header), *mask, 0);
    for (Bytes left = message; !left.empty();) {
        const auto sent = ::send(fd_.get(), left.data(), left.size(), MSG_NOSIGNAL);
        if (sent <= 0) return open_ = false;
        left = left.subspan(static_cast<std::size_t>(sent));
    }
    return true;
}

bool Connection::gather(std::chrono::milliseconds patience) {
    pollfd waiting{fd_.get(), POLLIN, 0};
    if (!open_ || ::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return open_;
    std::uint8_t room[65536];
    const auto size = recv(fd_.get(), room, sizeof room, 0);
    if (size <= 0) return open_ = false;
    MutableBytes input{room, static_cast<std::size_t>(size)};
    for (;;) {
        const auto piece = reader_.next(input);
        if (!piece) give_up(piece.error().text);
        if (!*piece) return true;
        if ((*piece)->kind == WebSocketPiece::Kind::Close) return open_ = false;
        if ((*piece)->kind != WebSocketPiece::Kind::Payload) continue;
        inbox_.insert(inbox_.end(), (*piece)->bytes.begin(), (*piece)->bytes.end());
    }
}

Welcome introduce(Connection& connection, const PrivateKey& key, const SessionId& resume,
                  std::uint8_t slot) {
    SecureRandom random;
    HomeHandshake handshake{{.name = "work-pc",
                             .key = key.public_key(),
                             .resume = resume,
                             .slot = slot,
                             .binding = {},
                             .unbound = Unbound::Accepted},
                            random};
    for (;;) {
        std::uint8_t room[1024];
        while (const std::size_t size = handshake.transmit(room)) connection.send({room, size});
        const bool is_open = connection.gather(std::chrono::seconds(10));
        Bytes input = connection.inbox();
        if (const Status taken = handshake.receive(input); !taken) give_up(taken.error().text);
        auto& inbox = connection.inbox();
        inbox.erase(inbox.begin(), inbox.end() - static_cast<std::ptrdiff_t>(input.size()));
        while (const auto event = handshake.next_event()) {
            if (std::get_if<HomeHandshake::RelayProved>(&*event)) handshake.approve_relay();
            if (const auto* needed = std::get_if<SignatureNeeded>(&*event)) {
                handshake.provide_signature(key.sign(needed->message));
            }
            if (const auto* welcome = std::get_if<Welcome>(&*event)) return *welcome;
            if (const auto* refusal = std::get_if<Refusal>(&*event)) {
                give_up(fmt::format("refused: {}", refusal->text));
            }
        }
        if (!is_open) give_up("closed in the handshake");
    }
}

void introduce_as_relay(Connection& connection, const PrivateKey& key, std::uint16_t version_max) {
    SecureRandom random;
    RelayHandshake handshake{{.key = key.public_key(),
                              .binding = {},
                              .unbound = Unbound::Accepted,
                              .version_max = version_max},
                             random};
    while (!handshake.done()) {
        if (!connection.gather(std::chrono::seconds(10))) give_up("closed in the handshake");
        Bytes input = connection.inbox();
        if (const Status taken = handshake.receive(input); !taken) give_up(taken.error().text);
        auto& inbox = connection.inbox();
        inbox.erase(inbox.begin(), inbox.end() - static_cast<std::ptrdiff_t>(input.size()));
        while (const auto event = handshake.next_event()) {
            if (const auto* needed = std::get_if<SignatureNeeded>(&*event)) {
                handshake.provide_signature(key.sign(needed->message));
            } else {
                Welcome welcome;
                random.fill(welcome.session);
                welcome.keep = std::chrono::minutes(15);
                handshake.welcome(welcome);
            }
        }
        std::uint8_t room[1024];
        while (const std::size_t size = handshake.transmit(room)) connection.send({room, size});
    }
}

UniqueFd listen_on(std::uint16_t port) {
    UniqueFd fd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
    if (listen(fd.get(), 8) != 0) return {};
    return fd;
}

ByteVector frame(wire::FrameType type, Bytes payload) {
    ByteVector room(wire::frame_header_bytes + payload.size());
    ByteWriter writer{room};
    wire::put_frame(writer, type, payload);
    return room;
}

}  // namespace relay::hostile
