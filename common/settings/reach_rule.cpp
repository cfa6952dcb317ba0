#include "common/settings/reach_rule.h"

#include <algorithm>

#include "common/settings/forward.h"

namespace relay {

namespace {

bool is_any(const ReachRule& rule) {
    return rule.socket.empty() && rule.ports == PortRange{1, 65535};
}

bool covers(const ReachRule& rule, const HostPort& place) {
    if (is_any(rule)) return true;
    if (!is_unix(place.host)) return rule.socket.empty() && rule.ports.contains(place.port);
    return !rule.socket.empty() && covers_unix(rule.socket, place.host);
}

// The one that listens on `place`, as far as `same` says; else the only one that leads to it.
template <typename Same>
const ForwardSettings* only_one(const Forwards& forwards, Same same) {
    const ForwardSettings* by_target = nullptr;
    bool is_only_one = true;
    for (const ForwardSettings* forward : forwards) {
        if (same(forward->listen)) return forward;
        if (!same(forward->target)) continue;
        is_only_one = by_target == nullptr;
        by_target = forward;
    }
    return is_only_one ? by_target : nullptr;
}

}  // namespace

Result<ReachRule> parse_reach_rule(std::string_view text) {
    const Error malformed{ErrorCode::Malformed,
                          "'" + std::string{text.substr(0, max_host_size)} +
                              "' must be HOME:PORT, HOME:FIRST-LAST, HOME:unix:PATH or HOME:*"};
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || !check_home_name(text.substr(0, colon))) {
        return malformed;
    }
    ReachRule rule{std::string{text.substr(0, colon)}};
    const auto ports = text.substr(colon + 1);
    if (ports == "*") return rule;
    if (ports.starts_with("unix:")) {
        auto socket = parse_unix_rule(ports);
        if (!socket) return socket.error();
        rule.socket = *std::move(socket);
        return rule;
    }
    const auto range = parse_port_range(ports);
    if (!range) return malformed;
    rule.ports = *range;
    return rule;
}

std::string to_text(const ReachRule& rule) {
    if (!rule.socket.empty()) return rule.home + ":" + rule.socket;
    return rule.home + ":" + (is_any(rule) ? "*" : to_text(rule.ports));
}

const ForwardSettings* forward_named(const Forwards& forwards, std::uint16_t port) {
    return only_one(forwards, [&](const HostPort& place) {
        return !is_unix(place.host) && place.port == port;
    });
}

const ForwardSettings* forward_named(const Forwards& forwards, std::string_view socket) {
    return only_one(forwards, [&](const HostPort& place) { return place.host == socket; });
}

std::optional<HomeSocket> home_socket(std::string_view host) {
    const auto colon = host.find(':');
    if (colon == std::string_view::npos || !parse_unix(host.substr(colon + 1))) return std::nullopt;
    return HomeSocket{host.substr(0, colon), host.substr(colon + 1)};
}

std::string home_of(const std::string& host) {
    const auto socket = home_socket(host);
    return socket ? std::string{socket->home} : host;
}

bool may_reach_socket(const std::vector<ReachRule>& rules, const HomeSocket& what) {
    return std::any_of(rules.begin(), rules.end(), [&](const ReachRule& rule) {
        return rule.home == what.home && covers(rule, {std::string{what.socket}, unix_port});
    });
}

bool may_reach(const std::vector<ReachRule>& rules, std::string_view home, const Forwards& forwards,
               const ForwardSettings& forward) {
    const bool by_target =
        (is_unix(forward.target.host) ? forward_named(forwards, forward.target.host)
                                      : forward_named(forwards, forward.target.port)) == &forward;
    return std::any_of(rules.begin(), rules.end(), [&](const ReachRule& rule) {
        return rule.home == home &&
               (covers(rule, forward.listen) || (by_target && covers(rule, forward.target)));
    });
}

}  // namespace relay
