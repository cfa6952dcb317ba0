#include "daemon/carriers/introduction.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "common/base/host_port.h"
#include "common/protocols/forwarded_for.h"
#include "common/protocols/http_request.h"
#include "common/protocols/proxy_header.h"

namespace relay {

namespace {

constexpr std::size_t ambiguous_bytes = 12;  // So many tell a PROXY header from all else.

Result<IpAddress> ip_of(std::string_view peer_address) {
    auto host = peer_address.substr(0, peer_address.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return parse_ip_address(host);
}

std::string address_of(const IpAddress& ip, std::uint16_t port) {
    return to_text(HostPort{to_text(ip), port});
}

}  // namespace

bool is_proxy(std::string_view peer_address, const std::vector<Cidr>& trusted) {
    if (trusted.empty()) return false;
    const auto ip = ip_of(peer_address);
    return ip && is_in(trusted, *ip);
}

std::string client_address(const std::string& hop, std::string_view forwarded_for,
                           const std::vector<Cidr>& trusted) {
    const auto ip = ip_of(hop);
    if (!ip) return hop;
    const auto client = client_behind(*ip, forwarded_for, trusted);
    if (!client) return {};
    return *client == *ip ? hop : address_of(*client, 0);
}

Introduction::Progress Introduction::heed(int fd) {
    std::array<std::uint8_t, max_http_head> room;
    while (true) {
        const auto size = recv(fd, room.data(), room.size(), MSG_PEEK);
        if (size < 0) {
            return errno == EAGAIN || errno == EINTR ? Progress::Waiting : Progress::Gone;
        }
        if (size == 0) return Progress::Gone;
        const auto seen = Bytes{room}.first(static_cast<std::size_t>(size));
        if (is_past_header_) return heed_request(fd, seen);
        const Progress progress = heed_header(fd, seen);
        if (progress != Progress::Over) return progress;
        is_past_header_ = true;
        if (!is_http_ || !is_proxy(hop_, trusted_)) return over(fd);
    }
}

Introduction::Progress Introduction::heed_header(int fd, Bytes seen) {
    if (header_.empty()) {
        if (!may_be_proxy_header(seen)) return Progress::Over;
        if (seen.size() < ambiguous_bytes) return wait_for_more(fd, seen.size());
    }
    const std::size_t had = header_.size();
    header_.insert(header_.end(), seen.begin(), seen.end());
    Bytes rest = header_;
    const auto header = take_proxy_header(rest);
    if (!header) return refuse("the PROXY header of its proxy is malformed or too long");
    const std::size_t taken = (*header ? header_.size() - rest.size() : header_.size()) - had;
    std::array<std::uint8_t, max_http_head> thrown_away;
    if (recv(fd, thrown_away.data(), taken, 0) != static_cast<ssize_t>(taken)) {
        return Progress::Gone;  // It was there a moment ago.
    }
    if (!*header) return wait_for_more(fd, 0);
    if (const auto& source = (*header)->source) hop_ = address_of(source->address, source->port);
    return Progress::Over;
}

Introduction::Progress Introduction::heed_request(int fd, Bytes seen) {
    const std::size_t size = http_head_size(seen);
    if (size == 0) {
        if (seen.size() >= max_http_head) return refuse("its head is over 16 KiB");
        return wait_for_more(fd, seen.size());
    }
    const auto request = parse_http_request(text_of(seen.first(size)));
    if (!request) return refuse("its proxy passed on what is not HTTP");
    address_ = client_address(hop_, request->joined("X-Forwarded-For"), trusted_);
    if (address_.empty()) return refuse("its proxy's X-Forwarded-For is malformed or too long");
    return over(fd);
}

// Or the loop would call again and again for what was seen already.
Introduction::Progress Introduction::wait_for_more(int fd, std::size_t than) {
    if (than > 0 && std::exchange(seen_, than) == than) {
        pollfd ended{fd, POLLRDHUP, 0};
        if (poll(&ended, 1, 0) == 1) return Progress::Gone;
    }
    const int least = static_cast<int>(than) + 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
    return Progress::Waiting;
}

Introduction::Progress Introduction::over(int fd) {
    const int least = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
    if (address_.empty()) address_ = hop_;
    return Progress::Over;
}

Introduction::Progress Introduction::refuse(const char* why) {
    why_ = why;
    return Progress::Refused;
}

}  // namespace relay
