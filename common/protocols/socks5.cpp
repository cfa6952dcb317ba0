#include "common/protocols/socks5.h"

#include <algorithm>

#include "common/base/check.h"

namespace relay {

namespace {

constexpr std::uint8_t version = 5;
constexpr std::uint8_t no_authentication = 0;
constexpr std::uint8_t no_method = 0xff;
constexpr std::uint8_t command_connect = 1;
constexpr std::uint8_t kind_ipv4 = 1;
constexpr std::uint8_t kind_name = 3;
constexpr std::size_t request_head_bytes = 5;  // Up to the length of a name.
constexpr std::size_t port_bytes = 2;

}  // namespace

ByteVector socks5_reply(Socks5Reply reply) {
    // Where the connection comes from is nobody's business: 0.0.0.0:0.
    return {version, static_cast<std::uint8_t>(reply), 0, kind_ipv4, 0, 0, 0, 0, 0, 0};
}

// An address of another kind is refused by its kind alone, unread.
std::size_t Socks5Server::length() const {
    if (state_ == State::Greeting) {
        return message_.size() < 2 ? 2 : std::size_t{2} + message_[1];
    }
    if (message_.size() < request_head_bytes) return request_head_bytes;
    if (message_[3] != kind_name) return request_head_bytes;
    return request_head_bytes + message_[4] + port_bytes;
}

std::size_t Socks5Server::wanted() const {
    if (state_ == State::Asked || state_ == State::Failed) return 0;
    return std::min<std::size_t>(length() - message_.size(), 255);
}

void Socks5Server::receive(Bytes input) {
    check(input.size() <= wanted());
    message_.insert(message_.end(), input.begin(), input.end());
    // What is no SOCKS5 is known by its first byte.
    if (!message_.empty() && message_.front() != version) {
        state_ = State::Failed;
        return;
    }
    if (wanted() == 0) heed();
}

void Socks5Server::heed() {
    if (state_ == State::Greeting) {
        const auto methods = Bytes{message_}.subspan(2);
        const bool is_offered =
            std::find(methods.begin(), methods.end(), no_authentication) != methods.end();
        output_ = {version, is_offered ? no_authentication : no_method};
        state_ = is_offered ? State::Request : State::Failed;
        message_.clear();
        return;
    }
    if (message_[1] != command_connect) return fail(Socks5Reply::CommandUnknown);
    if (message_[3] != kind_name) return fail(Socks5Reply::AddressKindUnknown);
    const std::size_t port_at = message_.size() - port_bytes;
    const std::string host{message_.begin() + request_head_bytes,
                           message_.begin() + static_cast<std::ptrdiff_t>(port_at)};
    const auto port = static_cast<std::uint16_t>(message_[port_at] << 8 | message_[port_at + 1]);
    if (host.empty() || host.find('\0') != std::string::npos || port == 0) {
        return fail(Socks5Reply::HostUnreachable);
    }
    asked_ = HostPort{host, port};
    state_ = State::Asked;
}

void Socks5Server::fail(Socks5Reply reply) {
    output_ = socks5_reply(reply);
    state_ = State::Failed;
}

ByteVector Socks5Server::take_output() {
    return std::exchange(output_, {});
}

}  // namespace relay
