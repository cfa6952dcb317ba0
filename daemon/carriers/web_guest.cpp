#include "daemon/carriers/web_guest.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "common/protocols/proxy_header.h"
#include "common/protocols/websocket_handshake.h"
#include "daemon/carriers/socket_pair.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/io/wire_buffers.h"

namespace relay {

namespace {

using namespace std::chrono_literals;
using ProxyProtocol = FallbackSettings::ProxyProtocol;

constexpr std::size_t ahead_most = 64 << 10;    // Kept for the server.
constexpr std::size_t behind_most = 256 << 10;  // Kept for the client.
constexpr Duration connect_most = 5s;
constexpr Duration head_most = 30s;   // For a request's head, once it has begun.
constexpr Duration idle_most = 5min;  // Without a byte either way.
constexpr Duration idle_websocket_most = 1h;
constexpr Duration linger_most = 2s;

std::string path_of(const HttpRequestHead& head) {
    return head.target.substr(0, head.target.find('?'));
}

ProxySource source_at(const std::string& address) {
    const auto colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    const auto ip = parse_ip_address(host);
    const auto port = colon == std::string::npos ? 0 : std::atoi(address.c_str() + colon + 1);
    return {ip ? *ip : IpAddress{}, static_cast<std::uint16_t>(port)};
}

// Connected, or on the way; none if there is nobody.
UniqueFd connect_to(const FallbackSettings& to) {
    sockaddr_storage address{};
    socklen_t size = 0;
    if (!to.path.empty()) {
        auto& path = reinterpret_cast<sockaddr_un&>(address);
        path.sun_family = AF_UNIX;
        std::memcpy(path.sun_path, to.path.c_str(),
                    std::min(to.path.size(), sizeof path.sun_path - 1));
        size = sizeof path;
    } else if (auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
               inet_pton(AF_INET6, to.to.host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(to.to.port);
        size = sizeof v6;
    } else {
        auto& v4 = reinterpret_cast<sockaddr_in&>(address);
        address = {};
        inet_pton(AF_INET, to.to.host.c_str(), &v4.sin_addr);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(to.to.port);
        size = sizeof v4;
    }
    UniqueFd fd{socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd || is_among_the_last_descriptors(fd.get())) return UniqueFd{};
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 &&
        errno != EINPROGRESS) {
        return UniqueFd{};
    }
    return fd;
}

}  // namespace

WebGuest::WebGuest(Loop& loop, Plan plan, House house)
    : loop_(loop),
      plan_(std::move(plan)),
      house_(std::move(house)),
      is_secure_(plan_.tls != nullptr),
      client_(loop, std::move(plan_.fd), std::move(plan_.tls), [this] { client_ready(); }),
      patience_(loop, [this] { late(); }),
      completion_(loop, [this] {
          if (state_ == State::Upgraded) {
              OpenedSocket opened;
              opened.early = std::move(client_.plain());
              opened.tls = client_.take_tls();
              opened.poll = client_.take_poll();
              house_.on_carrier(std::move(opened), std::move(plan_.admission));
          }
          const auto on_over = house_.on_over;  // Copied: it destroys us.
          on_over(why_);
      }) {
    patience_.arm_at(plan_.admission.deadline());
    client_.watch(true);
}

void WebGuest::client_ready() {
    switch (state_) {
        case State::Asking: return ask();
        case State::Connecting: break;
        case State::Passing: return pass();
        case State::Leaving: return leave();
        case State::Upgraded:
        case State::Over: break;
    }
}

void WebGuest::ask() {
    const Status received = client_.receive(max_http_head);
    if (!client_.flush() || !received) return over("its TLS handshake or its request failed");
    const Bytes said = client_.plain();
    const std::size_t size = http_head_size(said);
    if (size > 0) {
        const auto head =
            parse_http_request(text_of(said.first(std::min(size, max_http_head + 1))));
        if (head) return route(*head, size);
        return answer("400 Bad Request", "This is no request of HTTP.\n");
    }
    if (said.size() >= max_http_head) {
        return answer("431 Request Header Fields Too Large", "Too long.\n");
    }
    if (client_.has_ended()) return over("it asked for nothing");
    client_.watch(true);
}

void WebGuest::route(const HttpRequestHead& head, std::size_t size) {
    if (house_.polls(path_of(head))) return pass_to_poll();
    if (!is_of_relay(head)) return pass_to_site();
    if (const auto* key = head.field("Sec-WebSocket-Key");
        key != nullptr && key->size() == 24 && head.method == "GET" &&
        list_has_token(head.joined("Upgrade"), "websocket") &&
        list_has_token(head.joined("Sec-WebSocket-Protocol"), websocket_subprotocol)) {
        return upgrade(head, size);
    }
    answer("404 Not Found", "Nothing here.\n");
}

// Everything below a path of its own; at the root of the site, WebSockets of ours.
bool WebGuest::is_of_relay(const HttpRequestHead& head) const {
    const std::string path = path_of(head);
    if (house_.polls(path)) return true;
    std::string own = plan_.path;
    while (own.ends_with('/')) own.pop_back();
    if (!own.empty()) return path == own || path.starts_with(own + "/");
    return list_has_token(head.joined("Upgrade"), "websocket") &&
           list_has_token(head.joined("Sec-WebSocket-Protocol"), websocket_subprotocol);
}

void WebGuest::upgrade(const HttpRequestHead& head, std::size_t size) {
    const std::string text =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        websocket_accept_value(*head.field("Sec-WebSocket-Key")) +
        "\r\nSec-WebSocket-Protocol: " + std::string{websocket_subprotocol} + "\r\n\r\n";
    auto& plain = client_.plain();
    plain.erase(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(size));
    if (!client_.send(bytes_of(text)) || !client_.flush() || client_.unsent() > 0) {
        return over("it did not take the answer to its upgrade");
    }
    client_.watch(false);
    patience_.disarm();
    state_ = State::Upgraded;
    completion_.schedule();
}

void WebGuest::pass_to_poll() {
    auto pair = make_socket_pair();
    if (!pair) return over("no descriptors are left");
    server_ = std::make_unique<Poll>(loop_, std::move(pair->near),
                                     [this](PollEvents) { server_ready(); });
    house_.on_poll(std::move(pair->carrier), plan_.whence, plan_.admission);
    plan_.admission = {};
    state_ = State::Passing;
    pass();
}

void WebGuest::pass_to_site() {
    place_ = house_.place(plan_.whence.address);
    if (!place_) return answer("503 Service Unavailable", "Too many are here.\n");
    requests_.emplace(SiteRequests::Options{
        .client =
            [this](std::string_view forwarded_for) {
                const auto address =
                    plan_.whence.is_through_proxy
                        ? client_address(plan_.whence.hop, forwarded_for, plan_.trusted_proxies)
                        : plan_.whence.address;
                return address.empty() ? address : to_text(source_at(address).address);
            },
        .is_secure = is_secure_,
        .trusts_scheme = is_proxy(plan_.whence.hop, plan_.trusted_proxies),
        .is_ours = [this](const HttpRequestHead& head) { return is_of_relay(head); }});
    const auto source = source_at(plan_.whence.address);
    const auto destination = source_at(local_address_text(client_.fd()));
    switch (plan_.fallback.proxy_protocol) {
        case ProxyProtocol::None: break;
        case ProxyProtocol::V1: to_server_ = proxy_header_v1(source, destination); break;
        case ProxyProtocol::V2: to_server_ = proxy_header_v2(source, destination); break;
    }
    plan_.admission = {};
    connect();
}

void WebGuest::connect() {
    state_ = State::Connecting;
    client_.watch(false);
    UniqueFd fd = connect_to(plan_.fallback);
    if (!fd) return answer("502 Bad Gateway", "The web server behind this one does not answer.\n");
    patience_.arm(connect_most);
    server_ = std::make_unique<Poll>(loop_, std::move(fd), [this](PollEvents) { server_ready(); });
    server_->set_interest({.writable = true});
}

void WebGuest::server_ready() {
    if (state_ == State::Connecting) return connected();
    if (state_ == State::Passing) pass();
}

void WebGuest::connected() {
    if (socket_is_dead(server_->fd())) {
        server_->set_interest({});
        return answer("502 Bad Gateway", "The web server behind this one does not answer.\n");
    }
    set_no_delay(server_->fd());
    state_ = State::Passing;
    pass();
}

// What the client says to the server. False: over, or leaving.
bool WebGuest::pass_inward() {
    if (to_server_.size() < ahead_most && !client_.receive(ahead_most)) {
        over(nullptr);
        return false;
    }
    // As long as the server takes all of it: no event would tell of what is kept here.
    send_on();
    std::size_t before = 0;
    do {
        before = client_.plain().size();
        if (!hand_on()) return false;
        send_on();
    } while (to_server_.empty() && client_.plain().size() < before);
    if (client_.has_ended() && to_server_.empty() && !std::exchange(has_shut_, true)) {
        shutdown(server_->fd(), SHUT_WR);
    }
    return true;
}

bool WebGuest::hand_on() {
    auto& plain = client_.plain();
    Bytes said = plain;
    Status status = Done{};
    if (requests_) {
        status = requests_->receive(said, to_server_, ahead_most);
    } else if (to_server_.size() < ahead_most) {
        to_server_.insert(to_server_.end(), said.begin(), said.end());
        said = {};
    }
    plain.erase(plain.begin(), plain.end() - static_cast<std::ptrdiff_t>(said.size()));
    if (!status && !has_answer_ && status.error().code != ErrorCode::Refused) {
        answer("400 Bad Request", "This is no request of HTTP.\n");
        return false;
    }
    if (!status) {
        leave();
        return false;
    }
    return true;
}

void WebGuest::send_on() {
    std::size_t sent = 0;
    while (sent < to_server_.size()) {
        const auto size =
            ::send(server_->fd(), to_server_.data() + sent, to_server_.size() - sent, MSG_NOSIGNAL);
        if (size < 0) break;  // If it is dead, its answer may still be there to be read.
        sent += static_cast<std::size_t>(size);
    }
    to_server_.erase(to_server_.begin(), to_server_.begin() + static_cast<std::ptrdiff_t>(sent));
}

// What the server answers to the client. The same promise.
bool WebGuest::pass_outward() {
    auto& room = loop_.wire_buffers().stage;
    while (client_.unsent() < behind_most) {
        const auto size = recv(server_->fd(), room.data(), room.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (size <= 0) {
            if (!has_answer_ && requests_) {
                answer("502 Bad Gateway", "The web server behind this one has nothing to say.\n");
            } else {
                leave();
            }
            return false;
        }
        has_answer_ = true;
        const Bytes answered = Bytes{room}.first(static_cast<std::size_t>(size));
        if (requests_) requests_->answered(answered);
        if (!client_.send(answered)) {
            over(nullptr);
            return false;
        }
    }
    if (client_.flush()) return true;
    over(nullptr);
    return false;
}

void WebGuest::pass() {
    if (!pass_outward() || !pass_inward()) return;
    wait();
}

void WebGuest::wait() {
    const bool takes_more = client_.plain().size() < ahead_most && to_server_.size() < ahead_most;
    client_.watch(takes_more && !client_.has_ended());
    server_->set_interest(
        {.readable = client_.unsent() < behind_most, .writable = !to_server_.empty()});
    const bool is_in_head = requests_ && requests_->is_between() && !client_.plain().empty();
    if (is_in_head && std::exchange(is_slow_, true)) return;  // Its time goes on running.
    is_slow_ = is_in_head;
    const bool is_websocket = requests_ && requests_->is_raw();
    patience_.arm(is_in_head ? head_most : is_websocket ? idle_websocket_most : idle_most);
}

void WebGuest::answer(const char* status, const char* text) {
    const std::string page = std::string{"HTTP/1.1 "} + status +
                             "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
                             std::to_string(std::strlen(text)) +
                             "\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n" + text;
    if (!client_.send(bytes_of(page))) return over(nullptr);
    leave();
}

// All is sent, and what still comes is thrown away: or a reset would overtake the answer.
void WebGuest::leave() {
    if (state_ != State::Leaving) {
        state_ = State::Leaving;
        plan_.admission = {};
        if (server_) server_->set_interest({});
        client_.say_goodbye();
    }
    if (!client_.flush() || !client_.receive(ahead_most)) return over(nullptr);
    client_.plain().clear();
    if (client_.unsent() > 0) {
        patience_.arm(idle_most);
    } else if (client_.has_ended()) {
        return over(nullptr);
    } else if (!std::exchange(has_shut_client_, true)) {
        shutdown(client_.fd(), SHUT_WR);
        patience_.arm(linger_most);
    }
    client_.watch(!client_.has_ended());
}

void WebGuest::late() {
    switch (state_) {
        case State::Asking: return over("it asked for nothing in time");
        case State::Connecting:
            server_->set_interest({});
            return answer("504 Gateway Timeout",
                          "The web server behind this one does not answer.\n");
        case State::Passing: return leave();
        case State::Leaving: return over(nullptr);
        case State::Upgraded:
        case State::Over: break;
    }
}

void WebGuest::over(const char* why) {
    if (state_ == State::Over) return;
    state_ = State::Over;
    why_ = why;
    patience_.disarm();
    client_.watch(false);
    if (server_) server_->set_interest({});
    completion_.schedule();
}

}  // namespace relay
