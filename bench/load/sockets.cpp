#include "bench/load/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace relay::bench {

namespace {

constexpr int backlog = 4096;
constexpr timeval patience{.tv_sec = 30, .tv_usec = 0};

sockaddr_in ipv4(const Address& address) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(address.port);
    if (inet_pton(AF_INET, address.host.c_str(), &out.sin_addr) != 1)
        give_up(address.host + " is no IPv4 address");
    return out;
}

Socket new_socket(int flags) {
    Socket made{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)};
    must(made.fd() >= 0, "socket");
    set_no_delay(made.fd());
    return made;
}

int connect_socket(int fd, const Address& address) {
    const auto to = ipv4(address);
    return connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

}  // namespace

void give_up(const std::string& what) {
    fmt::print(stderr, "load: {}\n", what);
    std::exit(1);
}

void must(bool done, const char* what) {
    if (!done) give_up(fmt::format("{}: {}", what, std::strerror(errno)));
}

void Socket::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Socket::close_with_reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

Socket listen_on(const Address& address) {
    Socket made = new_socket(SOCK_NONBLOCK);
    const int one = 1;
    must(setsockopt(made.fd(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, "SO_REUSEADDR");
    const auto at = ipv4(address);
    must(bind(made.fd(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0, "bind");
    must(listen(made.fd(), backlog) == 0, "listen");
    return made;
}

Socket connect_to(const Address& address) {
    Socket made = new_socket(0);
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
        must(setsockopt(made.fd(), SOL_SOCKET, option, &patience, sizeof patience) == 0, "timeout");
    must(connect_socket(made.fd(), address) == 0, "connect");
    return made;
}

Socket begin_connecting(const Address& address) {
    Socket made = new_socket(SOCK_NONBLOCK);
    if (connect_socket(made.fd(), address) != 0 && errno != EINPROGRESS) return {};
    return made;
}

void set_non_blocking(int fd) {
    must(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0, "O_NONBLOCK");
}

void set_no_delay(int fd) {
    const int one = 1;
    must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0, "TCP_NODELAY");
}

void send_all(int fd, const void* bytes, std::size_t size) {
    const auto sent = send(fd, bytes, size, MSG_NOSIGNAL);
    must(sent >= 0, "send");
    if (static_cast<std::size_t>(sent) != size) give_up("a request was sent in part");
}

void receive_all(int fd, void* bytes, std::size_t size) {
    const auto received = recv(fd, bytes, size, MSG_WAITALL);
    must(received >= 0, "receive");
    if (static_cast<std::size_t>(received) != size) give_up("a connection ended early");
}

Poll::Poll() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    must(epoll_.fd() >= 0, "epoll_create1");
}

void Poll::add(int fd, std::uint32_t events, epoll_data_t data) {
    epoll_event event{.events = events, .data = data};
    must(epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

void Poll::change(int fd, std::uint32_t events, epoll_data_t data) {
    epoll_event event{.events = events, .data = data};
    must(epoll_ctl(epoll_.fd(), EPOLL_CTL_MOD, fd, &event) == 0, "epoll_ctl");
}

void Poll::remove(int fd) {
    must(epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, fd, nullptr) == 0, "epoll_ctl");
}

int Poll::wait(epoll_event* events, int size, int timeout_ms) {
    const int count = epoll_wait(epoll_.fd(), events, size, timeout_ms);
    must(count >= 0 || errno == EINTR, "epoll_wait");
    return count < 0 ? 0 : count;
}

}  // namespace relay::bench
