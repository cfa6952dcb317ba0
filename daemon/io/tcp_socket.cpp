#include "daemon/io/tcp_socket.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include <string_view>
#include <system_error>

namespace relay {

namespace {

constexpr std::string_view chosen_prefix = "unix:@";

// Five digits behind a 0 byte, as unix(7) has it under "autobind".
bool is_chosen(const sockaddr_un& address) {
    const std::string_view digits{address.sun_path + 1};
    return address.sun_path[0] == '\0' && digits.size() == 5 &&
           digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

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
    const auto& local = reinterpret_cast<const sockaddr_un&>(address);
    if (address.ss_family == AF_UNIX && is_chosen(local)) {
        return std::string{chosen_prefix} + (local.sun_path + 1);
    }
    const bool has_path = address.ss_family == AF_UNIX && local.sun_path[0] == '/';
    return has_path ? "unix:" + std::string{local.sun_path} : "unix";
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

std::string visitor_address_text(int fd) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (!is_unix_socket(fd) || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return peer_address_text(fd);
    }
    if (credentials.uid == geteuid()) {
        if (std::string own = peer_address_text(fd); own.starts_with(chosen_prefix)) return own;
    }
    return "unix:uid=" + std::to_string(credentials.uid) +
           ",pid=" + std::to_string(credentials.pid);
}

bool is_unix_socket(int fd) {
    int family = 0;
    socklen_t size = sizeof family;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_UNIX;
}

void set_own_address(int fd) {
    constexpr sa_family_t family = AF_UNIX;
    (void)bind(fd, reinterpret_cast<const sockaddr*>(&family), sizeof family);
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

void set_pacing_rate(int fd, std::uint64_t rate) {
    setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof rate);
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
    if (connect(fd, &nothing, sizeof nothing) != 0) (void)shutdown(fd, SHUT_RDWR);
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
