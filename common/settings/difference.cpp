#include "common/settings/difference.h"

#include <algorithm>
#include <map>

namespace relay {

namespace {

bool are_equal(const AuthorizedKey& a, const AuthorizedKey& b) {
    return a.key == b.key && a.comment == b.comment && a.from == b.from;
}

template <typename T>
bool contains(const std::vector<T>& all, const T& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

std::map<HostPort, ForwardSettings> by_listener(const std::vector<ForwardSettings>& forwards) {
    std::map<HostPort, ForwardSettings> map;
    for (const auto& forward : forwards) map.emplace(forward.listen, forward);
    return map;
}

void compare_forwards(const HomeEntry& before, const HomeEntry& after, HomeDifference& into) {
    const auto old_ones = by_listener(before.forwards);
    const auto new_ones = by_listener(after.forwards);
    for (const auto& [listen, forward] : old_ones) {
        const auto found = new_ones.find(listen);
        if (found == new_ones.end()) {
            into.forwards_removed.push_back(forward);
        } else if (found->second != forward) {
            into.forwards_changed.push_back({forward, found->second});
        }
    }
    for (const auto& [listen, forward] : new_ones) {
        if (!old_ones.contains(listen)) into.forwards_added.push_back(forward);
    }
}

void compare_home(const std::string& name, const HomeEntry& before, const HomeEntry& after,
                  Difference& into) {
    HomeDifference home;
    home.name = name;
    home.keys_changed = !std::equal(before.keys.begin(), before.keys.end(), after.keys.begin(),
                                    after.keys.end(), are_equal);
    home.from_changed = before.from != after.from;
    home.policy_changed = before.policy != after.policy;
    home.permissions_changed =
        before.may_listen != after.may_listen || before.may_reach != after.may_reach;
    compare_forwards(before, after, home);
    const bool is_same = !home.keys_changed && !home.from_changed && !home.policy_changed &&
                         !home.permissions_changed && home.forwards_added.empty() &&
                         home.forwards_removed.empty() && home.forwards_changed.empty();
    if (!is_same) into.homes_changed.push_back(std::move(home));
}

void compare_homes(const RelaySettings& before, const RelaySettings& after, Difference& into) {
    for (const auto& [name, home] : before.homes) {
        const auto found = after.homes.find(name);
        if (found == after.homes.end()) {
            into.homes_removed.push_back(name);
        } else {
            compare_home(name, home, found->second, into);
        }
    }
    for (const auto& [name, home] : after.homes) {
        if (!before.homes.contains(name)) into.homes_added.push_back(name);
    }
}

// Names in `list` the settings that are not equal.
class Comparison {
public:
    explicit Comparison(std::vector<std::string>& list) : list_(list) {}

    template <typename T>
    Comparison& of(const char* name, const T& before, const T& after) {
        if (before != after) list_.emplace_back(name);
        return *this;
    }

private:
    std::vector<std::string>& list_;
};

void compare_relays(const RelaySettings& before, const RelaySettings& after, Difference& into) {
    compare_homes(before, after, into);
    for (const auto& endpoint : before.listen) {
        if (!contains(after.listen, endpoint)) into.listen_removed.push_back(endpoint);
    }
    for (const auto& endpoint : after.listen) {
        if (!contains(before.listen, endpoint)) into.listen_added.push_back(endpoint);
    }
    Comparison{into.changed}
        .of("relay.poll", before.poll, after.poll)
        .of("relay.trusted-proxies", before.trusted_proxies, after.trusted_proxies)
        .of("relay.fallback", before.fallback, after.fallback)
        .of("relay.targets", before.targets, after.targets)
        .of("relay.default-gate", before.default_gate, after.default_gate)
        .of("relay.guard", before.guard, after.guard)
        .of("relay.accept-hook", before.accept_hook, after.accept_hook)
        .of("relay.public", before.public_endpoint, after.public_endpoint)
        .of("relay.keep-streams", before.keep_streams, after.keep_streams)
        .of("relay.ping-interval", before.ping_interval, after.ping_interval)
        .of("relay.ping-deadline", before.ping_deadline, after.ping_deadline)
        .of("relay.probe-interval", before.probe_interval, after.probe_interval)
        .of("relay.probe-failures", before.probe_failures, after.probe_failures)
        .of("relay.handshake-timeout", before.handshake_timeout, after.handshake_timeout)
        .of("relay.streams-per-home", before.streams_per_home, after.streams_per_home);
    Comparison{into.need_restart}
        .of("relay.certificate", before.certificate, after.certificate)
        .of("relay.certificate-key", before.certificate_key, after.certificate_key)
        .of("relay.key", before.key, after.key);
}

void compare_homes(const HomeSettings& before, const HomeSettings& after, Difference& into) {
    into.allow_changed = before.allow != after.allow;
    Comparison{into.changed}
        .of("home.forwards", before.forwards, after.forwards)
        .of("home.reach", before.reach, after.reach)
        .of("home.relays", before.several, after.several)
        .of("home.keep-streams", before.keep_streams, after.keep_streams)
        .of("home.ping-interval", before.ping_interval, after.ping_interval)
        .of("home.ping-deadline", before.ping_deadline, after.ping_deadline)
        .of("home.connect-timeout", before.connect_timeout, after.connect_timeout)
        .of("home.end-to-end", before.end_to_end, after.end_to_end)
        .of("home.knock", before.knock, after.knock)
        .of("home.visitors", before.visitors, after.visitors)
        .of("home.reconnect-first", before.reconnect_first, after.reconnect_first)
        .of("home.reconnect-most", before.reconnect_most, after.reconnect_most);
    Comparison{into.need_restart}
        .of("home.name", before.name, after.name)
        .of("home.relay", before.relays, after.relays)
        .of("home.carriers", before.carriers, after.carriers)
        .of("home.bind", before.bind, after.bind)
        .of("home.relay-key", before.relay_key, after.relay_key)
        .of("home.key", before.key, after.key)
        .of("home.proxy", before.proxy, after.proxy)
        .of("home.carrier", before.roads, after.roads)
        .of("home.tls-verify", std::pair{before.tls_verify, before.tls_verify_file},
            std::pair{after.tls_verify, after.tls_verify_file})
        .of("home.tls-ended-by-proxy", before.tls_ended_by_proxy, after.tls_ended_by_proxy);
}

}  // namespace

bool Difference::is_empty() const {
    return homes_added.empty() && homes_removed.empty() && homes_changed.empty() &&
           listen_added.empty() && listen_removed.empty() && !allow_changed && !log_level_changed &&
           changed.empty() && need_restart.empty();
}

Difference difference_of(const Settings& before, const Settings& after) {
    Difference difference;
    difference.log_level_changed = before.log_level != after.log_level;
    Comparison{difference.need_restart}
        .of("control", before.control, after.control)
        .of("control-group", before.control_group, after.control_group)
        .of("state-dir", before.state_dir, after.state_dir)
        .of("memory", before.memory, after.memory);
    const bool is_same_role = before.relay.has_value() == after.relay.has_value() &&
                              before.home.has_value() == after.home.has_value() &&
                              before.visit.has_value() == after.visit.has_value();
    if (!is_same_role) {
        difference.need_restart.emplace_back(after.relay ? "relay" : after.home ? "home" : "visit");
        return difference;
    }
    if (before.relay) compare_relays(*before.relay, *after.relay, difference);
    if (before.home) compare_homes(*before.home, *after.home, difference);
    return difference;
}

}  // namespace relay
