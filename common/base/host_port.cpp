#include "common/base/host_port.h"

#include <algorithm>

#include "common/base/ip_address.h"
#include "common/base/text.h"

namespace relay {

namespace {

Error malformed(std::string_view what, std::string_view why) {
    return {ErrorCode::Malformed, "'" + std::string{what} + "' " + std::string{why}};
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

bool is_name(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    for (const auto label : split(text, '.')) {
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
            return false;
        }
    }
    return std::all_of(text.begin(), text.end(), is_name_character);
}

// No top-level domain is a number (RFC 3696 section 2), so such a host was meant as an address.
bool ends_in_number(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    const auto last = name.substr(name.rfind('.') + 1);
    return std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

constexpr std::string_view unix_prefix = "unix:";

bool is_unix_character(char c) {
    return static_cast<unsigned char>(c) > ' ' && c != 0x7f && c != '>';
}

Status check_unix_path(std::string_view path) {
    const auto wrong = [&](std::string_view why) {
        return malformed(std::string{unix_prefix} + std::string{path.substr(0, max_host_size)},
                         why);
    };
    if (!path.starts_with('/')) return wrong("must have an absolute path: unix:/run/…");
    if (path.size() > max_unix_path_size) {
        return Error{ErrorCode::TooLarge,
                     "the path of a unix socket has at most 107 bytes, and this one " +
                         std::to_string(path.size())};
    }
    if (!std::all_of(path.begin(), path.end(), is_unix_character)) {
        return malformed("unix:/…", "must have no blanks, control characters or '>' in its path");
    }
    for (const auto part : split(path.substr(1), '/')) {
        if (!part.empty() && part != "." && part != "..") continue;
        return wrong("must name a file without //, . or .. on the way");
    }
    return Done{};
}

}  // namespace

Result<HostPort> parse_unix(std::string_view text) {
    if (!text.starts_with(unix_prefix)) return malformed(text, "is not unix:/PATH");
    const Status path_ok = check_unix_path(text.substr(unix_prefix.size()));
    if (!path_ok) return path_ok.error();
    return HostPort{std::string{text}, unix_port};
}

Result<std::string> parse_unix_rule(std::string_view text) {
    const auto rule = parse_unix(text);  // '*' is a letter as any.
    if (!rule) return rule.error();
    return rule->host;
}

bool covers_unix(std::string_view rule, std::string_view host) {
    if (!rule.ends_with("/*")) return rule == host;
    const auto folder = rule.substr(0, rule.size() - 1);
    return host.starts_with(folder) && host.find('/', folder.size()) == std::string_view::npos;
}

Result<HostPortRange> parse_place(std::string_view text) {
    if (!text.starts_with(unix_prefix)) return parse_host_port_range(text);
    auto socket = parse_unix(text);
    if (!socket) return socket.error();
    return HostPortRange{std::move(socket->host), {unix_port, unix_port}};
}

std::string bracketed(std::string_view host) {
    if (host.find(':') == std::string_view::npos || is_unix(host)) return std::string{host};
    return "[" + std::string{host} + "]";
}

std::string to_text(const HostPort& address) {
    if (is_unix(address.host)) return address.host;
    return bracketed(address.host) + ":" + std::to_string(address.port);
}

std::string to_text(const PortRange& ports) {
    const auto first = std::to_string(ports.first);
    return ports.first == ports.last ? first : first + "-" + std::to_string(ports.last);
}

std::string to_text(const HostPortRange& address) {
    if (is_unix(address.host)) return address.host;
    return bracketed(address.host) + ":" + to_text(address.ports);
}

Result<std::uint16_t> parse_port(std::string_view text) {
    const auto number = parse_number(text, 65535);
    if (!number || *number == 0) return malformed(text, "is not a port: allowed are 1 to 65535");
    return static_cast<std::uint16_t>(*number);
}

Result<PortRange> parse_port_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = parse_port(text.substr(0, dash));
    if (!first) return first.error();
    if (dash == std::string_view::npos) return PortRange{*first, *first};
    const auto last = parse_port(text.substr(dash + 1));
    if (!last) return last.error();
    if (*last < *first) return malformed(text, "is not a range of ports: it must rise");
    return PortRange{*first, *last};
}

Result<std::string> parse_host(std::string_view text) {
    if (text.empty()) return Error{ErrorCode::Malformed, "the host is missing"};
    if (text.size() > max_host_size) {
        return Error{ErrorCode::TooLarge, "the host is longer than 253 characters"};
    }
    if (parse_ip_address(text)) return std::string{text};
    if (text.find(':') != std::string_view::npos) {
        return malformed(text, "is neither an IPv6 address nor a name");
    }
    if (!is_name(text)) return malformed(text, "is neither an address nor a host's name");
    if (ends_in_number(text)) return malformed(text, "is not an IPv4 address");
    return std::string{text};
}

Result<HostAndRest> split_host(std::string_view text) {
    if (text.starts_with('[')) {
        const auto end = text.find("]:");
        if (end == std::string_view::npos) {
            return malformed(text, "needs ']:' and a port after the IPv6 address");
        }
        const auto host = text.substr(1, end - 1);
        if (host.find(':') == std::string_view::npos) {
            return malformed(text, "has brackets, which are for IPv6 addresses only");
        }
        return HostAndRest{host, text.substr(end + 2)};
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return malformed(text, "has no port: write HOST:PORT");
    if (text.find(':') != colon) {
        return malformed(text, "has several colons: write an IPv6 address as [ADDRESS]:PORT");
    }
    return HostAndRest{text.substr(0, colon), text.substr(colon + 1)};
}

Result<HostPortRange> parse_host_port_range(std::string_view text) {
    const auto parts = split_host(text);
    if (!parts) return parts.error();
    auto host = parse_host(parts->host);
    if (!host) return host.error();
    const auto ports = parse_port_range(parts->rest);
    if (!ports) return ports.error();
    return HostPortRange{*std::move(host), *ports};
}

Result<HostPort> parse_host_port(std::string_view text) {
    const auto parts = split_host(text);
    if (!parts) return parts.error();
    auto host = parse_host(parts->host);
    if (!host) return host.error();
    const auto port = parse_port(parts->rest);
    if (!port) return port.error();
    return HostPort{*std::move(host), *port};
}

}  // namespace relay
