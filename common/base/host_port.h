// Addresses of services as text: a host and a port, a range of ports, or a unix socket.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace relay {

inline constexpr std::size_t max_host_size = 253;  // RFC 1035 section 2.3.4, without the last dot.

// Unix sockets stand among hosts and ports: the host is "unix:" and a path, and the port is always
// this one, so that whatever carries a host and a port carries them too.
inline constexpr std::uint16_t unix_port = 1;
inline constexpr std::size_t max_unix_path_size = 107;  // What sockaddr_un has, less its end.

struct HostPort {
    std::string host;  // A name or an address, an IPv6 one without brackets; or a unix socket.
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

// "127.0.0.1:22", "[::1]:22", "unix:/run/x.sock".
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

// "unix:/run/x.sock". The path is absolute and in its only spelling: no "//", "." or ".." in it, no
// '/' at its end, no blanks, control characters or '>'.
Result<HostPort> parse_unix(std::string_view text);
// The same, or "unix:/run/x/*" for all that lies in a folder.
Result<std::string> parse_unix_rule(std::string_view text);
// Whether a host is a unix socket, or one of a home, as "HOME:unix:/run/x.sock".
inline bool is_unix(std::string_view host) {
    return host.starts_with("unix:/") || host.find(":unix:/") != std::string_view::npos;
}
// Of a host that parse_unix() has made.
inline std::string unix_path(std::string_view host) {
    return std::string{host.substr(host.find(':') + 1)};
}
// Whether a rule that parse_unix_rule() has read holds for `host`.
bool covers_unix(std::string_view rule, std::string_view host);
// "host:port", "host:first-last" or "unix:/run/x.sock".
Result<HostPortRange> parse_place(std::string_view text);

// "host:rest" or "[ipv6]:rest" in its two parts, the host not yet judged.
struct HostAndRest {
    std::string_view host;
    std::string_view rest;
};
Result<HostAndRest> split_host(std::string_view text);

}  // namespace relay
