#include "daemon/io/tcp_pair.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr int strangers_most = 16;
// A busy kernel may take a moment for what it usually does within the call.
constexpr int patience_ms = 1000;

Error failed(const char* what) {
    return Error{ErrorCode::System, std::string{what} + ": " + error_text(errno)};
}

UniqueFd loopback_socket(int more) {
    return UniqueFd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | more, 0)};
}

sockaddr_in loopback() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> tcp_pair() {
    const UniqueFd listener = loopback_socket(SOCK_NONBLOCK);
    UniqueFd one = loopback_socket(SOCK_NONBLOCK);
    if (!listener || !one) return failed("no socket");
    if (is_among_the_last_descriptors(one.get())) {
        return Error{ErrorCode::TooLarge, "too many files are open"};
    }
    sockaddr_in address = loopback();
    socklen_t size = sizeof address;
    auto* const place = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener.get(), place, size) != 0 || listen(listener.get(), 1) != 0 ||
        getsockname(listener.get(), place, &size) != 0) {
        return failed("no listener");
    }
    if (connect(one.get(), place, size) != 0 && errno != EINPROGRESS) return failed("connect");
    const std::string own = local_address_text(one.get());
    for (int tried = 0; tried < strangers_most; ++tried) {
        pollfd waiting{listener.get(), POLLIN, 0};
        (void)poll(&waiting, 1, patience_ms);
        UniqueFd other{accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (!other) return failed("accept");
        if (peer_address_text(other.get()) == own)
            return std::pair{std::move(one), std::move(other)};
        abort_connection(other.get());
    }
    return Error{ErrorCode::System, "somebody else keeps connecting"};
}

}  // namespace relay
