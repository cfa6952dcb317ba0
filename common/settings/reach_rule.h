// What a visitor may reach through a relay: forwards of homes, by ports or sockets that name them
// (docs/PROTOCOL.md 8).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/host_port.h"

namespace relay {

struct ForwardSettings;

struct ReachRule {
    std::string home;
    PortRange ports{1, 65535};
    std::string socket = {};  // As parse_unix_rule() reads it; empty: `ports` says what.

    bool operator==(const ReachRule&) const = default;
};

// "work-pc:3389", "work-pc:22000-22004", "work-pc:unix:/run/x.sock", "work-pc:unix:/run/x/*", and
// "work-pc:*" for all.
Result<ReachRule> parse_reach_rule(std::string_view text);
// The form that parse_reach_rule() reads back.
std::string to_text(const ReachRule& rule);

// All forwards of one home.
using Forwards = std::vector<const ForwardSettings*>;

// The one that listens on this port; else the only one whose target has it; else null.
const ForwardSettings* forward_named(const Forwards& forwards, std::uint16_t port);

// The same by a socket, as "unix:/run/x.sock".
const ForwardSettings* forward_named(const Forwards& forwards, std::string_view socket);
// What a host names, if it is a home and a socket of it: "HOME:unix:/run/x.sock".
struct HomeSocket {
    std::string_view home;
    std::string_view socket;
};
std::optional<HomeSocket> home_socket(std::string_view host);
// The home of such a host, or the host, which is a home then.
std::string home_of(const std::string& host);

// Whether any rule names this one by itself.
bool may_reach_socket(const std::vector<ReachRule>& rules, const HomeSocket& what);
// Whether any rule has a port that names `forward`, one of `forwards`, which are those of `home`.
bool may_reach(const std::vector<ReachRule>& rules, std::string_view home, const Forwards& forwards,
               const ForwardSettings& forward);

}  // namespace relay
