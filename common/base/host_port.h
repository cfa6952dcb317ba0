// Addresses of services as text: a host and a port, or a range of ports.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace relay {

inline constexpr std::size_t max_host_size = 253;  // RFC 1035 section 2.3.4, without the last dot.

struct HostPort {
    std::string host;  // A name or an address, an IPv6 one without brackets.
    std::uint16_t port = 0;

    auto operator<=>(const HostPort&) const = default;
};

// Both ends belong to it.
struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;

    auto operator<=>(const PortRange&) const = default;
    unsigned size() const { return last - first + 1U; }
    bool contains(std::uint16_t port) const { return first <= port && port <= last; }
};

struct HostPortRange {
    std::string host;
    PortRange ports;

    auto operator<=>(const HostPortRange&) const = default;
};

// "127.0.0.1:22", "[::1]:22".
std::string to_text(const HostPort& address);
// "22", "22000-22004".
std::string to_text(const PortRange& ports);
std::string to_text(const HostPortRange& address);
// An IPv6 address in brackets, all else as it is.
std::string bracketed(std::string_view host);

// 1 to 65535.
Result<std::uint16_t> parse_port(std::string_view text);
// "22" or "22000-22004", rising.
Result<PortRange> parse_port_range(std::string_view text);
// An IP address without brackets, or a name of letters, digits, '-', '_' and dots. Names that look
// like a number or a mistyped IPv4 address are refused.
Result<std::string> parse_host(std::string_view text);

// "host:port"; IPv6 addresses stand in brackets.
Result<HostPort> parse_host_port(std::string_view text);
// "host:port" and "host:first-last".
Result<HostPortRange> parse_host_port_range(std::string_view text);

// "host:rest" or "[ipv6]:rest" in its two parts, the host not yet judged.
struct HostAndRest {
    std::string_view host;
    std::string_view rest;
};
Result<HostAndRest> split_host(std::string_view text);

}  // namespace relay
