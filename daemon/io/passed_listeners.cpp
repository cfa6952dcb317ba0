#include "daemon/io/passed_listeners.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr std::string_view any_ipv4 = "0.0.0.0:";
constexpr std::string_view any_ipv6 = "[::]:";

bool is_tcp(int fd) {
    int protocol = 0;
    socklen_t size = sizeof protocol;
    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           protocol == IPPROTO_TCP;
}

bool is_of_both_families(int fd) {
    int is_ipv6_only = 1;
    socklen_t size = sizeof is_ipv6_only;
    return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_ipv6_only, &size) == 0 &&
           is_ipv6_only == 0;
}

}  // namespace

bool PassedListeners::add(UniqueFd socket) {
    const int fd = socket.get();
    if (!is_tcp(fd) || !is_listening(fd)) return false;
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return false;
    passed_.push_back({std::move(socket), local_address_text(fd), is_of_both_families(fd)});
    return true;
}

const PassedListeners::Passed* PassedListeners::find(const std::string& address) const {
    for (const Passed& each : passed_) {
        if (each.address == address) return &each;
    }
    if (!address.starts_with(any_ipv4)) return nullptr;
    const std::string same_port = std::string{any_ipv6} + address.substr(any_ipv4.size());
    for (const Passed& each : passed_) {
        if (each.takes_both && each.address == same_port) return &each;
    }
    return nullptr;
}

bool PassedListeners::has(const std::string& address) const {
    return find(address) != nullptr;
}

UniqueFd PassedListeners::open(const std::string& address) {
    auto* found = const_cast<Passed*>(find(address));
    if (found == nullptr) return {};
    UniqueFd copy{fcntl(found->socket.get(), F_DUPFD_CLOEXEC, 0)};
    if (copy) ++found->copies;
    return copy;
}

void PassedListeners::closed(int copy) {
    const std::string address = local_address_text(copy);
    for (Passed& each : passed_) {
        if (each.address == address) --each.copies;
    }
}

std::vector<std::string> PassedListeners::addresses() const {
    std::vector<std::string> addresses;
    for (const Passed& each : passed_) addresses.push_back(each.address);
    return addresses;
}

std::vector<std::string> PassedListeners::unserved() const {
    std::vector<std::string> unserved;
    for (const Passed& each : passed_) {
        if (each.copies == 0) unserved.push_back(each.address);
    }
    return unserved;
}

}  // namespace relay
