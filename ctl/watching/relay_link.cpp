#include "ctl/watching/relay_link.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/control/json.h"
#include "daemon/io/system_clock.h"

namespace relay {
namespace {

constexpr Duration retry_after = std::chrono::seconds{2};
// Longer than relayd waits for a former session to end.
constexpr Duration answer_within = std::chrono::seconds{15};
constexpr std::size_t output_most = std::size_t{64} << 10;  // A relayd that hangs.

}  // namespace

RelayLink::RelayLink(std::string path, WatchRegister registration)
    : path_(std::move(path)),
      registration_(std::move(registration)),
      began_(now()),
      input_(max_watch_request_bytes) {
    connect();
}

short RelayLink::wanted() const {
    return static_cast<short>(POLLIN | (output_.empty() ? 0 : POLLOUT));
}

void RelayLink::connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return lost(std::strerror(ENAMETOOLONG));
    std::memcpy(address.sun_path, path_.data(), path_.size());
    socket_ = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (!socket_ || ::connect(socket_.get(), generic, sizeof address) != 0) {
        return lost(std::strerror(errno));
    }
    input_ = LineSplitter{max_watch_request_bytes};
    greeted_ = false;
    deadline_ = now() + answer_within;
    auto registration = registration_;
    registration.age_s += std::chrono::duration<double>(now() - began_).count();
    registering_id_ = ++last_id_;
    send(greeting_line("relayctl " RELAYD_VERSION));
    send(request_line({registering_id_, "watch.register", to_json(registration)}));
}

void RelayLink::send(const std::string& line) {
    if (!socket_) return;
    output_ += line + "\n";
    const auto size = ::send(socket_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
    // What went wrong, and perhaps why, is told by the next read.
    if (size > 0) output_.erase(0, static_cast<std::size_t>(size));
    if (output_.size() > output_most) lost("it does not read what it is told");
}

void RelayLink::report(const WatchReport& report) {
    if (registered_) send(request_line({++last_id_, "watch.report", to_json(report)}));
}

void RelayLink::proceed() {
    const bool is_late = deadline_ && now() >= *deadline_;
    if (!socket_) {
        if (is_late) connect();
        return;
    }
    pollfd ready{socket_.get(), wanted(), 0};
    if (::poll(&ready, 1, 0) == 1) {
        if ((ready.revents & POLLOUT) != 0) {
            const auto size = ::send(socket_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
            if (size > 0) output_.erase(0, static_cast<std::size_t>(size));
        }
        read_some();
    } else if (is_late) {
        lost("it does not answer");
    }
}

void RelayLink::read_some() {
    std::array<std::uint8_t, 4096> buffer;
    const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return lost(size < 0 ? std::strerror(errno) : "it has closed the connection");
    input_.append(Bytes{buffer}.first(static_cast<std::size_t>(size)));
    while (socket_) {
        const auto line = input_.next();
        if (!line) return lost(line.error().text);
        if (!*line) return;
        hear(**line);
    }
}

void RelayLink::hear(const std::string& line) {
    if (!greeted_) {
        const auto greeting = read_greeting(line);
        if (!greeting) return lost(greeting.error().text);
        greeted_ = true;
        return;
    }
    const auto reply = read_reply(line);
    if (!reply) return lost("its answer is not understood: " + reply.error().text);
    if (reply->kind == ControlReply::Kind::Event) {
        const auto event = from_json<EventSnapshot>(reply->json);
        if (event && event->kind == watch_superseded) {
            events_.push_back({LinkEvent::Kind::Superseded, event->text});
        } else if (event && event->kind == watch_closed) {
            events_.push_back({LinkEvent::Kind::Closed, event->text});
        }
    } else if (reply->id == registering_id_) {
        answered(*reply);
    } else if (reply->kind == ControlReply::Kind::Error && !reply->id) {
        lost(reply->error.text);
    } else if (reply->kind == ControlReply::Kind::Error && registered_) {
        // A report was refused: the port is ours no more.
        events_.push_back({LinkEvent::Kind::Refused, reply->error.text});
    }
}

void RelayLink::answered(const ControlReply& reply) {
    if (reply.kind == ControlReply::Kind::Error) {
        // An older relayd, or a home, knows no watched ports.
        if (reply.error.code == ErrorCode::Unsupported) return lost(reply.error.text);
        deadline_.reset();
        events_.push_back({LinkEvent::Kind::Refused, reply.error.text});
        return;
    }
    const auto answer = from_json<WatchRegistered>(reply.json);
    if (!answer) return lost("its answer is not understood: " + answer.error().text);
    deadline_.reset();
    told_away_ = false;
    registered_ = answer->state == watch_state_registered;
    events_.push_back(
        {registered_ ? LinkEvent::Kind::Registered : LinkEvent::Kind::Freed, {}, *answer});
}

void RelayLink::lost(const std::string& why) {
    socket_.reset();
    output_.clear();
    registered_ = false;
    deadline_ = now() + retry_after;
    if (told_away_) return;
    told_away_ = true;
    events_.push_back({LinkEvent::Kind::Away, why});
}

std::optional<LinkEvent> RelayLink::next_event() {
    if (events_.empty()) return {};
    auto event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace relay
