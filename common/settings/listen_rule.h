// Where a home may have its relay listen: an address and ports of it, or a unix socket.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/host_port.h"

namespace relay {

struct ListenRule {
    HostPortRange at;  // The host is an address in its one spelling, or as parse_unix_rule() reads.

    bool operator==(const ListenRule&) const = default;
};

// "3389", "22000-22004", "0.0.0.0:2222", "[::1]:5000-5009", "127.0.0.1:*", "unix:/run/x.sock",
// "unix:/run/x/*". Ports alone are those of 127.0.0.1.
Result<ListenRule> parse_listen_rule(std::string_view text);
// The form that parse_listen_rule() reads back.
std::string to_text(const ListenRule& rule);

// Whether any rule has exactly this address and this port.
bool may_listen(const std::vector<ListenRule>& rules, const HostPort& listen);

}  // namespace relay
