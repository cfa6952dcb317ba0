// Where carriers are accepted, or dialled to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace relay {

enum class CarrierKind { Wss, Ws, Tls, Poll };

struct Endpoint {
    CarrierKind kind = CarrierKind::Wss;
    std::string host;  // A name or an address, this one without brackets.
    std::uint16_t port = 443;
    std::string path = "/";  // For wss, ws and poll.
    bool is_plain = false;   // For poll: http and not https.

    bool operator==(const Endpoint&) const = default;
};

inline constexpr std::size_t max_endpoint_size = 1024;

// "wss://HOST[:PORT][/PATH]", "ws://…", "https+poll://…", "http+poll://…", "tls://HOST[:PORT]",
// IPv6 addresses in brackets. The port is 443, of ws and http+poll 80.
Result<Endpoint> parse_endpoint(std::string_view text);

// "wss://vps.example.com:443/relay", the path only if it is not "/".
std::string to_text(const Endpoint& endpoint);

// "example.com", "[2001:db8::1]:8443": the port only where it is not the scheme's own.
std::string host_field(const Endpoint& endpoint);

}  // namespace relay
