#include "ctl/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/control/version.h"

namespace relay {
namespace {

constexpr long greeting_patience_s = 10;
constexpr long answer_patience_s = 120;
constexpr long no_end = 0;

ClientFault not_connected(const std::string& path, int error) {
    const auto* program = path.find("relayd-gate") == path.npos ? "relayd" : "relayd-gate";
    const auto text = fmt::format("cannot reach {} at {}: {}", program, path, std::strerror(error));
    if (error == EACCES || error == EPERM) {
        return {ClientFault::Kind::Refused, text,
                "root and the members of group relayd may use it: try sudo, or join the group "
                "(usermod -aG relayd USER) and log in again"};
    }
    const auto* start = program == std::string_view{"relayd"} ? "status" : "enable --now";
    return {ClientFault::Kind::Unreachable, text,
            fmt::format("is it running? {}: systemctl {} {}. For another one: --control SOCKET",
                        start == std::string_view{"status"} ? "See" : "Try", start, program)};
}

ClientFault closed_by(const std::string& path) {
    return {ClientFault::Kind::Unreachable, "relayd at " + path + " closed the connection",
            "see: journalctl -u relayd"};
}

}  // namespace

Client::Client(int fd, std::string path)
    : fd_(fd), path_(std::move(path)), input_(max_reply_bytes) {}

Client::Client(Client&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      input_(std::move(other.input_)),
      last_id_(other.last_id_) {}

Client::~Client() {
    if (fd_ >= 0) ::close(fd_);
}

Asked<Client> Client::connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return not_connected(path, ENAMETOOLONG);
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    Client client{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), path};
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    client.set_patience(greeting_patience_s);
    if (::connect(client.fd_, generic, sizeof address) != 0) return not_connected(path, errno);
    if (const auto greeted = client.greet(); !greeted) return greeted.error();
    return client;
}

Asked<Done> Client::greet() {
    if (const auto sent = send(greeting_line("relayctl " RELAYD_VERSION)); !sent) {
        return sent.error();
    }
    const auto line = receive_line();
    if (!line) return line.error();
    if (const auto greeting = read_greeting(*line); !greeting) {
        return ClientFault{ClientFault::Kind::Unreachable,
                           fmt::format("{} is not relayd's control socket, or of another version: "
                                       "{}",
                                       path_, greeting.error().text)};
    }
    return Done{};
}

Asked<std::string> Client::ask(const std::string& method, const std::string& with) {
    const auto id = ++last_id_;
    const auto line = request_line({id, method, with});
    if (line.size() > max_request_bytes) {
        return ClientFault{ClientFault::Kind::Refused, "the request is too long"};
    }
    set_patience(answer_patience_s);
    if (const auto sent = send(line); !sent) return sent.error();
    while (true) {
        auto reply = receive();
        if (!reply) return reply.error();
        if (reply->kind == ControlReply::Kind::Ok && reply->id == id) return reply->json;
    }
}

Asked<std::string> Client::next_event() {
    set_patience(no_end);
    while (true) {
        auto reply = receive();
        if (!reply) return reply.error();
        if (reply->kind == ControlReply::Kind::Event) return reply->json;
    }
}

Asked<Done> Client::send(std::string line) {
    line += '\n';
    for (std::string_view rest = line; !rest.empty();) {
        const auto size = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        // Whoever closed on us may have said why: that is read next.
        if (size < 0 && (errno == EPIPE || errno == ECONNRESET)) return Done{};
        if (size < 0) return not_connected(path_, errno);
        rest.remove_prefix(static_cast<std::size_t>(size));
    }
    return Done{};
}

Asked<std::string> Client::receive_line() {
    while (true) {
        auto line = input_.next();
        if (!line) return ClientFault{ClientFault::Kind::Refused, line.error().text};
        if (*line) return **std::move(line);
        std::array<std::uint8_t, 65'536> buffer;
        const auto size = ::recv(fd_, buffer.data(), buffer.size(), 0);
        const bool is_over = interruption_ != nullptr && *interruption_;
        if (size < 0 && errno == EINTR && !is_over) continue;
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return ClientFault{ClientFault::Kind::Unreachable,
                               "relayd at " + path_ + " does not answer",
                               "see: journalctl -u relayd"};
        }
        if (size <= 0) return closed_by(path_);
        input_.append(Bytes{buffer}.first(static_cast<std::size_t>(size)));
    }
}

// An error, whichever request it answers, is the fault: we have one request at a time.
Asked<ControlReply> Client::receive() {
    const auto line = receive_line();
    if (!line) return line.error();
    auto reply = read_reply(*line);
    if (!reply) {
        return ClientFault{ClientFault::Kind::Refused,
                           "relayd's answer is not understood: " + reply.error().text};
    }
    if (reply->kind == ControlReply::Kind::Error) {
        return ClientFault{ClientFault::Kind::Refused, reply->error.text};
    }
    return *std::move(reply);
}

void Client::set_patience(long seconds) const {
    const timeval patience{.tv_sec = seconds, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

}  // namespace relay
