#include "common/settings/allow_rule.h"

#include "common/base/text.h"

namespace relay {

namespace {

constexpr PortRange every_port{1, 65535};

Result<std::variant<Cidr, std::string>> parse_where(std::string_view text) {
    using Where = std::variant<Cidr, std::string>;
    if (text.find('/') != std::string_view::npos || parse_ip_address(text)) {
        const auto cidr = parse_cidr(text);
        if (!cidr) return cidr.error();
        return Where{*cidr};
    }
    const auto host = parse_host(text);
    if (!host) return host.error();
    return Where{to_lower(*host)};
}

}  // namespace

Result<AllowRule> parse_allow_rule(std::string_view text) {
    if (text.starts_with("unix:")) {
        auto socket = parse_unix_rule(text);
        if (!socket) return socket.error();
        return AllowRule{*std::move(socket), {unix_port, unix_port}};
    }
    const auto parts = split_host(text);
    if (!parts) return parts.error();
    auto where = parse_where(parts->host);
    if (!where) return where.error();
    if (parts->rest == "*") return AllowRule{*std::move(where), every_port};
    const auto ports = parse_port_range(parts->rest);
    if (!ports) {
        return Error{ports.error().code, ports.error().text + ", a range of them, or *"};
    }
    return AllowRule{*std::move(where), *ports};
}

std::string to_text(const AllowRule& rule) {
    const auto* cidr = std::get_if<Cidr>(&rule.where);
    const auto where = cidr != nullptr ? to_text(*cidr) : std::get<std::string>(rule.where);
    if (is_unix(where) && cidr == nullptr) return where;
    return bracketed(where) + ":" + (rule.ports == every_port ? "*" : to_text(rule.ports));
}

bool allows(const AllowRule& rule, const IpAddress& address, std::uint16_t port) {
    const auto* cidr = std::get_if<Cidr>(&rule.where);
    return cidr != nullptr && cidr->contains(address) && rule.ports.contains(port);
}

bool allows(const AllowRule& rule, std::string_view host, std::uint16_t port) {
    if (const auto address = parse_ip_address(host)) return allows(rule, *address, port);
    const auto* name = std::get_if<std::string>(&rule.where);
    if (name != nullptr && is_unix(*name)) return covers_unix(*name, host);
    return name != nullptr && *name == to_lower(host) && rule.ports.contains(port);
}

}  // namespace relay
