// What a home may be asked to dial: an address, a network or a name, and ports of it; or a unix
// socket.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "common/base/cidr.h"
#include "common/base/host_port.h"

namespace relay {

struct AllowRule {
    // A unix socket is kept as parse_unix_rule() reads it; a name is kept in lower case and
    // compared as text, never resolved: what it resolves to is not up to the home's operator.
    std::variant<Cidr, std::string> where;
    PortRange ports{1, 65535};

    bool operator==(const AllowRule&) const = default;
};

// "127.0.0.1:3389", "192.168.1.0/24:22", "[2001:db8::/32]:22", "localhost:*",
// "127.0.0.1:22000-22004", "unix:/run/x.sock", "unix:/run/postgresql/*".
Result<AllowRule> parse_allow_rule(std::string_view text);

// The form that parse_allow_rule() reads back.
std::string to_text(const AllowRule& rule);

// `host` as the relay asked for it: an address is looked up in networks, a name among names. A rule
// for a network also holds for an address that a name was resolved to: ask with that address.
bool allows(const AllowRule& rule, std::string_view host, std::uint16_t port);
bool allows(const AllowRule& rule, const IpAddress& address, std::uint16_t port);

}  // namespace relay
