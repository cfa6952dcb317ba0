#include "daemon/carriers/knocker.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/io/unique_fd.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

// A refusal means that the datagram was lost, or overtaken, only as long as it is fresh.
constexpr Duration fresh = 2s;
constexpr Duration after_refusals[] = {50ms, 150ms, 300ms};
// Where nothing answers, the kernel tries again after 1, 3 and 7 s: the gate is to be open then.
constexpr Duration repeats_after[] = {900ms, 2s, 4s};
// Whatever a name server says.
constexpr std::size_t addresses_most = 16;

socklen_t size_of(const sockaddr_storage& address) {
    return address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

// Without a port. AF_UNSPEC: it is no address.
sockaddr_storage address_in(const std::string& text) {
    sockaddr_storage address{};
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
    if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
        address.ss_family = AF_INET;
    } else if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
        address.ss_family = AF_INET6;
    }
    return address;
}

Error system_error() {
    return {ErrorCode::System, error_text(errno)};
}

Status send_knock(const KnockPlan& plan, sockaddr_storage to, const std::string& source) {
    const std::uint16_t port = htons(plan.port);
    if (to.ss_family == AF_INET6) {
        reinterpret_cast<sockaddr_in6&>(to).sin6_port = port;
    } else {
        reinterpret_cast<sockaddr_in&>(to).sin_port = port;
    }
    const auto packet = plan.packet();
    if (!packet) return packet.error();
    const UniqueFd fd{::socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd) return system_error();
    const auto from = address_in(source);
    // Of the other family: no carrier is dialled from there to this host either.
    const bool is_bound =
        from.ss_family != to.ss_family ||
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), size_of(from)) == 0;
    if (!is_bound) return system_error();
    const auto sent = ::sendto(fd.get(), packet->data(), packet->size(), 0,
                               reinterpret_cast<const sockaddr*>(&to), size_of(to));
    if (sent < 0) return system_error();
    return Done{};
}

}  // namespace

Status knock_at(const KnockPlan& plan, const std::string& address, const std::string& source) {
    const auto to = address_in(address);
    if (to.ss_family != AF_UNSPEC) return send_knock(plan, to, source);
    return Error{ErrorCode::Malformed, address + " is no address"};
}

Knocker::Knocker(Loop& loop, KnockPlan plan, std::string source)
    : plan_(std::move(plan)), source_(std::move(source)), again_(loop, [this] { knock_again(); }) {}

void Knocker::watch(CURL* easy) {
    easy_ = easy;
    began_ = now();
    knocked_.clear();
    has_held_ = false;
    refusals_ = repeats_ = 0;
    fault_.clear();
    again_.disarm();
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, opened);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
}

bool Knocker::has_knocked(const sockaddr_storage& address) const {
    return std::ranges::any_of(knocked_, [&](const sockaddr_storage& each) {
        return std::memcmp(&each, &address, sizeof each) == 0;
    });
}

curl_socket_t Knocker::opened(void* own, curlsocktype, curl_sockaddr* address) {
    auto& self = *static_cast<Knocker*>(own);
    sockaddr_storage to{};
    const bool is_internet = address->family == AF_INET || address->family == AF_INET6;
    std::memcpy(&to, &address->addr, std::min<std::size_t>(address->addrlen, sizeof to));
    const bool is_full = self.knocked_.size() == addresses_most;
    if (is_internet && !is_full && !self.has_knocked(to)) {
        self.knock(to);
        self.knocked_.push_back(to);
        self.has_held_ = true;
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void Knocker::knock(const sockaddr_storage& address) {
    const auto done = send_knock(plan_, address, source_);
    fault_ = done ? std::string{} : done.error().text;
}

void Knocker::knock_again() {
    curl_off_t connected_us = 0;
    (void)curl_easy_getinfo(easy_, CURLINFO_CONNECT_TIME_T, &connected_us);
    if (connected_us > 0) return;
    for (const auto& address : knocked_) knock(address);
    if (++repeats_ < std::size(repeats_after)) again_.arm(repeats_after[repeats_]);
}

std::optional<Duration> Knocker::again_after(CURLcode code) {
    again_.disarm();
    if (code != CURLE_COULDNT_CONNECT) return {};
    if (std::exchange(has_held_, false)) {
        repeats_ = 0;
        again_.arm(repeats_after[0]);
        return knock_head_start;
    }
    if (refusals_ == std::size(after_refusals) || now() - began_ > fresh) return {};
    knocked_.clear();
    return after_refusals[refusals_++];
}

std::string Knocker::remark() const {
    if (!fault_.empty()) return "; it could not be knocked at: " + fault_;
    return ", though it was knocked at by UDP port " + std::to_string(plan_.port);
}

}  // namespace relay
