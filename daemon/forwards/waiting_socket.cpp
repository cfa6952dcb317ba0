#include "daemon/forwards/waiting_socket.h"

#include "daemon/io/tcp_socket.h"

namespace relay {

WaitingSocket::WaitingSocket(Loop& loop, Parking& parking, UniqueFd socket,
                             std::function<void()> on_dead)
    : parking_(parking),
      on_dead_(std::move(on_dead)),
      poll_(loop, std::move(socket), [this](PollEvents) { broken(); }) {}

WaitingSocket::~WaitingSocket() {
    if (!is_mine_) return;
    abort_connection(poll_.fd());
    parking_.unpark(poll_.fd());
}

UniqueFd WaitingSocket::take() {
    is_mine_ = false;
    return poll_.take_fd();
}

void WaitingSocket::broken() {
    if (!socket_is_dead(poll_.fd())) return poll_.set_interest({});
    const auto on_dead = on_dead_;
    on_dead();
}

}  // namespace relay
