#include "daemon/carriers/socket_pair.h"

#include <sys/socket.h>

#include <cerrno>

#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr int pair_bytes = 32 << 10;

}  // namespace

Result<SocketPair> make_socket_pair() {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        return Error{ErrorCode::System, "no pair of sockets: " + error_text(errno)};
    }
    for (const int end : ends) {
        setsockopt(end, SOL_SOCKET, SO_SNDBUF, &pair_bytes, sizeof pair_bytes);
    }
    return SocketPair{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

}  // namespace relay
