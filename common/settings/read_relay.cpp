#include <algorithm>

#include "common/base/text.h"
#include "common/settings/forward.h"
#include "common/settings/sections.h"

namespace relay {

namespace {

using namespace std::chrono_literals;
using Zero = MapReader::Range::Zero;

Result<AuthorizedKey> parse_key(std::string_view text) {
    auto key = parse_authorized_key(text);
    if (!key) return Error{key.error().code, key.error().text};
    if (!*key) return Error{ErrorCode::Malformed, "expected a line such as ssh-ed25519 AAAA…"};
    return **std::move(key);
}

Result<Endpoint> parse_listener(std::string_view text) {
    auto endpoint = parse_endpoint(text);
    if (!endpoint || endpoint->kind != CarrierKind::Poll) return endpoint;
    return Error{ErrorCode::Unsupported,
                 "https+poll:// and http+poll:// come by the ports of wss:// and ws://"};
}

// "wss://0.0.0.0:443" each, or { endpoint: "wss://0.0.0.0:443", gate: NAME }.
void read_listeners(MapReader& relay, Source& source, RelaySettings& into) {
    if (relay.find("listen") != nullptr) into.listen.clear();
    relay.list("listen", max_endpoints, [&](const Node& node, const std::string& path) {
        Node text = node;
        std::string gate;
        if (node.kind == Node::Kind::Map) {
            MapReader reader{node, path, source};
            const Node* endpoint = reader.require("endpoint", "wss://0.0.0.0:443");
            reader.scalar("gate", gate, parse_gate_name);
            reader.refuse_others();
            if (endpoint == nullptr) return;
            text = *endpoint;
        }
        if (!is_scalar(text, "listen", source)) return;
        const auto endpoint = parse_listener(text.scalar);
        if (!endpoint) return source.wrong(text, "listen: " + endpoint.error().text);
        into.listen.push_back(*endpoint);
        into.listen_gates.push_back(std::move(gate));
    });
}

// All keys of one owner; each place is remembered by the key's index in the result.
std::vector<AuthorizedKey> read_keys(MapReader& reader, Source& source) {
    std::vector<AuthorizedKey> keys;
    reader.require("key", "\"ssh-ed25519 AAAA… comment\"");
    reader.list("key", max_keys_per_home, [&](const Node& node, const std::string&) {
        if (!is_scalar(node, "key", source)) return;
        auto key = parse_key(node.scalar);
        if (!key) return source.wrong(node, "key: " + key.error().text);
        source.remember(reader.path_of("keys/" + std::to_string(keys.size())), node.at);
        keys.push_back(*std::move(key));
    });
    const Node* node = reader.find("key");
    const bool is_bare =
        node != nullptr && node->kind != Node::Kind::Scalar && keys.empty() && node->items.empty();
    if (is_bare) source.wrong(*node, "'key' needs at least one key");
    return keys;
}

std::size_t forward_count(const std::map<std::string, HomeEntry>& homes) {
    std::size_t count = 0;
    for (const auto& [name, home] : homes) count += home.forwards.size();
    return count;
}

void read_homes(MapReader& relay, Source& source, std::map<std::string, HomeEntry>& into) {
    const Node* node = relay.find("homes");
    if (node == nullptr) return;
    const MapReader reader{*node, relay.path_of("homes"), source};
    if (node->entries.size() > max_homes) {
        return source.wrong(*node, "more than " + std::to_string(max_homes) + " homes");
    }
    for (const auto& [name, at, value] : node->entries) {
        const auto path = reader.path_of(name);
        source.remember(path, at);
        if (const auto good = check_home_name(name); !good) source.wrong(at, good.error().text);
        into.emplace(name, read_home_entry(value, path, source, into));
    }
}

void read_visitors(MapReader& relay, Source& source, std::map<std::string, VisitorEntry>& into) {
    const Node* node = relay.find("visitors");
    if (node == nullptr) return;
    const MapReader reader{*node, relay.path_of("visitors"), source};
    if (node->entries.size() > max_visitors) {
        return source.wrong(*node, "more than " + std::to_string(max_visitors) + " visitors");
    }
    for (const auto& [name, at, value] : node->entries) {
        const auto path = reader.path_of(name);
        source.remember(path, at);
        if (const auto good = check_visitor_name(name); !good) source.wrong(at, good.error().text);
        VisitorEntry entry;
        MapReader visitor{value, path, source};
        entry.keys = read_keys(visitor, source);
        visitor.scalars("from", max_from_per_home, entry.from, parse_cidr);
        visitor.scalars("may-reach", max_reach_rules, entry.may_reach, parse_reach_rule);
        read_policy(visitor, entry.policy);
        visitor.refuse_others();
        into.emplace(name, std::move(entry));
    }
}

void read_guard(MapReader& relay, Source& source, GuardSettings& guard) {
    const Node* node = relay.find("guard");
    if (node == nullptr) return;
    MapReader reader{*node, relay.path_of("guard"), source};
    reader.scalar("connections", guard.connections, number_between<unsigned>(1, 1000000));
    reader.scalar("brief", guard.brief, number_between<unsigned>(1, 1000000));
    reader.duration("refuse-for", guard.refuse_for, {.least = 1s, .most = 24h * 30});
    reader.scalars("always", max_from_per_home, guard.always, parse_cidr);
    reader.refuse_others();
}

}  // namespace

void read_liveness(MapReader& reader, const Liveness& into) {
    reader.duration("keep-streams", into.keep_streams,
                    {.least = 1s, .most = 24h * 7, .zero = Zero::Allowed});
    reader.duration("ping-interval", into.ping_interval, {.least = 100ms, .most = 10min});
    reader.duration("ping-deadline", into.ping_deadline, {.least = 200ms, .most = 1h});
}

HomeEntry read_home_entry(const Node& node, const std::string& path, Source& source,
                          const std::map<std::string, HomeEntry>& others) {
    HomeEntry home;
    MapReader reader{node, path, source};
    home.keys = read_keys(reader, source);
    reader.scalars("from", max_from_per_home, home.from, parse_cidr);
    read_policy(reader, home.policy);
    reader.scalars("targets", max_target_rules, home.policy.targets, parse_allow_rule);
    const auto room = std::min(max_forwards_per_home, max_forwards - forward_count(others));
    reader.scalar("default-gate", home.default_gate, parse_gate_name);
    reader.scalars("may-listen", max_listen_rules, home.may_listen, parse_listen_rule);
    reader.scalars("may-reach", max_reach_rules, home.may_reach, parse_reach_rule);
    bool is_full = false;
    reader.list("forwards", max_forwards_per_home, [&](const Node& item, const std::string& at) {
        if (is_full) return;
        const auto before = home.forwards.size();
        read_forward({item, at}, source, ForwardOwner::Relay, home.forwards);
        is_full = home.forwards.size() > room;
        if (is_full) {
            home.forwards.resize(room);
            source.wrong(item, room < max_forwards_per_home
                                   ? "more than 65536 forwards of all homes"
                                   : "more than 4096 forwards of one home");
        }
        for (auto i = before; i < home.forwards.size(); ++i) {
            source.remember(path + "/listeners/" + std::to_string(i), item.at);
        }
    });
    reader.refuse_others();
    return home;
}

RelaySettings read_relay(const Node& node, Source& source) {
    RelaySettings relay;
    MapReader reader{node, "relay", source};
    read_listeners(reader, source, relay);
    reader.scalar("default-gate", relay.default_gate, parse_gate_name);
    reader.scalar("poll", relay.poll, parse_switch);
    reader.scalars("trusted-proxies", max_trusted_proxies, relay.trusted_proxies, parse_cidr);
    relay.fallback = read_fallback(reader, source);
    reader.scalar("public", relay.public_endpoint,
                  [](std::string_view text) -> Result<std::optional<Endpoint>> {
                      const auto endpoint = parse_endpoint(text);
                      if (!endpoint) return endpoint.error();
                      return std::optional{*endpoint};
                  });
    reader.path_or_credential("certificate", relay.certificate);
    reader.path_or_credential("certificate-key", relay.certificate_key);
    reader.path_or_credential("key", relay.key);
    read_homes(reader, source, relay.homes);
    read_visitors(reader, source, relay.visitors);
    reader.scalars("targets", max_relay_targets, relay.targets, parse_relay_target);
    read_liveness(reader, {relay.keep_streams, relay.ping_interval, relay.ping_deadline});
    reader.duration("probe-interval", relay.probe_interval,
                    {.least = 1s, .most = 24h, .zero = Zero::Allowed});
    reader.duration("handshake-timeout", relay.handshake_timeout, {.least = 1s, .most = 5min});
    reader.scalar("probe-failures", relay.probe_failures, number_between<unsigned>(1, 1000));
    reader.scalar("streams-per-home", relay.streams_per_home,
                  number_between<std::size_t>(1, max_streams_per_home));
    read_guard(reader, source, relay.guard);
    read_accept_hook(reader, source, relay.accept_hook);
    reader.refuse_others();
    return relay;
}

}  // namespace relay
