#include "ctl/knocking/then_connect.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "daemon/io/system_clock.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr int attempt_ms = 1000;  // A SYN that came too early is sent again after a second.
constexpr auto pause = 50ms;

Error system_error(const std::string& what) {
    return {ErrorCode::System, what + ": " + std::strerror(errno)};
}

// Nothing: not now.
Result<UniqueFd> try_once(const addrinfo& where) {
    UniqueFd fd{::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd) return system_error("socket");
    if (::connect(fd.get(), where.ai_addr, where.ai_addrlen) != 0) {
        if (errno != EINPROGRESS) return system_error("cannot connect");
        pollfd waiting{fd.get(), POLLOUT, 0};
        if (::poll(&waiting, 1, attempt_ms) <= 0) {
            errno = ETIMEDOUT;
            return system_error("cannot connect");
        }
        int error = 0;
        socklen_t size = sizeof error;
        (void)::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        errno = error;
        if (error != 0) return system_error("cannot connect");
    }
    const int on = 1;
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

// False once nothing more comes, or can be written.
bool copy_some(int from, int to) {
    std::array<char, 65536> buffer;
    const auto size = ::read(from, buffer.data(), buffer.size());
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    for (ssize_t written = 0; written < size;) {
        const auto more =
            ::write(to, buffer.data() + written, static_cast<std::size_t>(size - written));
        if (more >= 0) {
            written += more;
        } else if (errno == EAGAIN) {
            pollfd waiting{to, POLLOUT, 0};
            (void)::poll(&waiting, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return size > 0;
}

}  // namespace

Result<UniqueFd> connect_patiently(const std::string& address, std::uint16_t port, int seconds) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (failed != 0) return Error{ErrorCode::NotFound, address + ": " + ::gai_strerror(failed)};
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, ::freeaddrinfo};
    const auto deadline = now() + std::chrono::seconds{seconds};
    for (;;) {
        auto fd = try_once(*found);
        if (fd || now() > deadline) return fd;
        std::this_thread::sleep_for(pause);
    }
}

Status bridge_stdio(const UniqueFd& socket) {
    bool is_reading = true, is_writing = true;
    // What comes back may last longer than what is sent, and the other way round it does not
    // matter.
    while (is_reading) {
        std::array<pollfd, 2> waiting{
            {{socket.get(), POLLIN, 0}, {is_writing ? STDIN_FILENO : -1, POLLIN, 0}}};
        if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) {
            return system_error("poll");
        }
        if (waiting[1].revents != 0 && !copy_some(STDIN_FILENO, socket.get())) {
            is_writing = false;
            (void)::shutdown(socket.get(), SHUT_WR);
        }
        if (waiting[0].revents != 0) is_reading = copy_some(socket.get(), STDOUT_FILENO);
    }
    return Done{};
}

}  // namespace relay
