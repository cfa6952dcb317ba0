#include "daemon/knocks/gate_line.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "common/control/json.h"
#include "common/control/message.h"

namespace relay {

namespace {

constexpr Duration patience = std::chrono::seconds{30};

Result<UniqueFd> connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return Error{ErrorCode::System, path + ": the path is too long"};
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (fd && ::connect(fd.get(), generic, sizeof address) == 0) return fd;
    return Error{ErrorCode::System,
                 "cannot reach relayd-gate at " + path + ": " + std::strerror(errno)};
}

}  // namespace

std::unique_ptr<GateLine> GateLine::ask(Loop& loop, const std::string& socket,
                                        const std::vector<GateRequest>& requests, User user) {
    auto fd = connect_to(socket);
    if (!fd) {
        user.on_fault(fd.error().text);
        return nullptr;
    }
    std::unique_ptr<GateLine> line{
        new GateLine{loop, *std::move(fd), requests.size(), std::move(user)}};
    line->connection_.send(greeting_line("relayd " RELAYD_VERSION));
    std::uint64_t id = 0;
    for (const auto& request : requests) {
        line->connection_.send(request_line({++id, request.method, request.with}));
    }
    return line;
}

GateLine::GateLine(Loop& loop, UniqueFd socket, std::size_t answers, User user)
    : answers_(answers),
      user_(std::move(user)),
      patience_(loop,
                [this] {
                    user_.on_fault("relayd-gate does not answer");
                    end();
                }),
      connection_(loop, std::move(socket),
                  {.on_line = [this](const std::string& line) { line_came(line); },
                   .on_end =
                       [this] {
                           if (answers_ > 0 && !has_ended_) {
                               user_.on_fault("relayd-gate has not answered");
                           }
                           end();
                       }}) {
    patience_.arm(patience);
}

void GateLine::line_came(const std::string& line) {
    if (has_ended_) return;
    if (!has_greeted_) {
        has_greeted_ = true;
        if (const auto greeting = read_greeting(line); !greeting)
            user_.on_fault(greeting.error().text);
        return;
    }
    const auto reply = read_reply(line);
    if (!reply) {
        user_.on_fault(reply.error().text);
    } else if (reply->kind == ControlReply::Kind::Error) {
        user_.on_fault(reply->error.text);
    } else if (user_.on_answer) {
        user_.on_answer(reply->json);
    }
    if (answers_ > 0) --answers_;
    if (answers_ == 0) end();
}

void GateLine::end() {
    if (has_ended_) return;
    has_ended_ = true;
    patience_.disarm();
    user_.on_end();
}

}  // namespace relay
