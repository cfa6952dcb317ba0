// TCP connections over loopback, for tests of what the kernel says about them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "daemon/io/unique_fd.h"

namespace relay::loopback {

struct Address {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;

    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

inline Address any_port(int family) {
    Address address;
    address.storage.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET6) {
        reinterpret_cast<sockaddr_in6&>(address.storage).sin6_addr = in6addr_loopback;
        address.size = sizeof(sockaddr_in6);
    } else {
        reinterpret_cast<sockaddr_in&>(address.storage).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.size = sizeof(sockaddr_in);
    }
    return address;
}

inline Address address_of(int fd) {
    Address address;
    if (getsockname(fd, address.get(), &address.size) != 0) throw std::runtime_error{"getsockname"};
    return address;
}

inline UniqueFd tcp_socket(int family, int flags = 0) {
    return UniqueFd{socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)};
}

// None if the address cannot be had.
inline UniqueFd listen_on(Address address, int backlog = SOMAXCONN) {
    UniqueFd listener = tcp_socket(address.storage.ss_family);
    if (!listener || bind(listener.get(), address.get(), address.size) != 0 ||
        listen(listener.get(), backlog) != 0) {
        return {};
    }
    return listener;
}

inline bool has(int family) {
    return static_cast<bool>(listen_on(any_port(family)));
}

struct Connection {
    UniqueFd connected;
    UniqueFd accepted;
};

// With SOCK_NONBLOCK among the flags, it may be on its way still.
inline UniqueFd connect_to(int listener, int flags = 0) {
    Address address = address_of(listener);
    UniqueFd fd = tcp_socket(address.storage.ss_family, flags);
    if (connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) {
        throw std::runtime_error{"connect"};
    }
    return fd;
}

inline Connection connection(int listener) {
    UniqueFd connected = connect_to(listener);
    UniqueFd accepted{accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
    if (!accepted) throw std::runtime_error{"accept"};
    return {std::move(connected), std::move(accepted)};
}

inline Connection connection() {
    return connection(listen_on(any_port(AF_INET)).get());
}

}  // namespace relay::loopback
