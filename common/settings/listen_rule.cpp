#include "common/settings/listen_rule.h"

#include <algorithm>

#include "common/settings/forward.h"

namespace relay {

namespace {

constexpr PortRange every_port{1, 65535};

}  // namespace

Result<ListenRule> parse_listen_rule(std::string_view text) {
    const bool is_any = text.ends_with(":*");
    const std::string listen =
        is_any ? std::string{text.substr(0, text.size() - 1)} + "1" : std::string{text};
    auto at = parse_listen(listen);
    if (!at) return at.error();
    if (is_any) at->ports = every_port;
    return ListenRule{*std::move(at)};
}

std::string to_text(const ListenRule& rule) {
    if (is_unix(rule.at.host)) return rule.at.host;
    if (rule.at.ports == every_port) return bracketed(rule.at.host) + ":*";
    return to_text(rule.at);
}

bool may_listen(const std::vector<ListenRule>& rules, const HostPort& listen) {
    return std::any_of(rules.begin(), rules.end(), [&](const ListenRule& rule) {
        if (is_unix(rule.at.host)) return covers_unix(rule.at.host, listen.host);
        return rule.at.host == listen.host && rule.at.ports.contains(listen.port);
    });
}

}  // namespace relay
