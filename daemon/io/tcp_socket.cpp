#include "daemon/io/tcp_socket.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <system_error>

namespace relay {

std::string address_text(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        const auto& inet = reinterpret_cast<const sockaddr_in&>(address);
        inet_ntop(AF_INET, &inet.sin_addr, text, sizeof text);
        return text + std::string{":"} + std::to_string(ntohs(inet.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        const auto& inet = reinterpret_cast<const sockaddr_in6&>(address);
        inet_ntop(AF_INET6, &inet.sin6_addr, text, sizeof text);
        return "[" + std::string{text} + "]:" + std::to_string(ntohs(inet.sin6_port));
    }
    return "unix";
}

std::string peer_address_text(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
    return address_text(address);
}

std::string local_address_text(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
    return address_text(address);
}

std::string error_text(int error_number) {
    return std::system_category().message(error_number);
}

void set_no_delay(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void set_urgent_in_line(int fd) {
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
}

void set_unsent_limit(int fd, int bytes) {
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

int unsent_bytes(int fd) {
    int bytes = 0;
    return ioctl(fd, SIOCOUTQNSD, &bytes) == 0 ? bytes : 0;
}

bool is_among_the_last_descriptors(int fd) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    return static_cast<rlim_t>(fd) >= limit.rlim_cur - limit.rlim_cur / 8;
}

// To connect a connected socket to nothing is how TCP is told to abort (RFC 9293 section 3.10.5).
void abort_connection(int fd) {
    sockaddr nothing{};
    nothing.sa_family = AF_UNSPEC;
    (void)connect(fd, &nothing, sizeof nothing);
}

bool is_listening(int fd) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

bool socket_is_dead(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
}

}  // namespace relay
