#include "daemon/gate/hook_bell.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "daemon/io/unique_fd.h"

namespace relay {

Status HookBell::ring(const HookNews& news) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.size() >= sizeof address.sun_path) {
        return Error{ErrorCode::System, socket_ + ": the path is too long"};
    }
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    const UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const auto text = to_text(news);
    const auto sent = ::sendto(fd.get(), text.data(), text.size(), 0,
                               reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (sent >= 0) return Done{};
    return Error{ErrorCode::System,
                 "cannot reach relayd-hooks at " + socket_ + ": " + std::strerror(errno)};
}

}  // namespace relay
