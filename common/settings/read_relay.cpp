#include <algorithm>

#include "common/base/text.h"
#include "common/settings/forward.h"
#include "common/settings/sections.h"

namespace relay {

namespace {

using namespace std::chrono_literals;
using Zero = MapReader::Range::Zero;

constexpr std::size_t max_visitors = 4096;
constexpr std::size_t max_reachable_per_visitor = 64;

Result<AuthorizedKey> parse_key(std::string_view text) {
    auto key = parse_authorized_key(text);
    if (!key) return Error{key.error().code, key.error().text};
    if (!*key) return Error{ErrorCode::Malformed, "expected a line such as ssh-ed25519 AAAA…"};
    return **std::move(key);
}

Result<ProbeKind> parse_probe(std::string_view text) {
    if (const auto kind = probe_kind_of(text)) return *kind;
    std::string allowed;
    for (const auto& [kind, name] : probe_kind_names) {
        allowed += (allowed.empty() ? "" : ", ") + std::string{name};
    }
    return Error{ErrorCode::Malformed,
                 "'" + std::string{text} + "' is no probe: allowed are " + allowed};
}

// "work-pc:3389", "work-pc:*".
Result<std::string> parse_reachable(std::string_view text) {
    const auto colon = text.find(':');
    const auto ports = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    if (!check_home_name(text.substr(0, colon)) || (ports != "*" && !parse_port_range(ports))) {
        return Error{ErrorCode::Malformed,
                     "'" + std::string{text} + "' must be HOME:PORT, HOME:FIRST-LAST or HOME:*"};
    }
    return std::string{text};
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

// { listen: …, to: …, probe: …, grace: … }
void read_forward_map(const Node& node, const std::string& path, Source& source,
                      std::vector<ForwardSettings>& into) {
    MapReader reader{node, path, source};
    std::string listen;
    std::string to;
    ForwardSettings options;
    const bool has_listen = reader.require("listen", "127.0.0.1:3389") != nullptr;
    reader.scalar("listen", listen, parse_text);
    reader.scalar("to", to, parse_text);
    reader.scalar("probe", options.probe, parse_probe);
    reader.duration("grace", options.grace, {.least = 1s, .most = 24h, .zero = Zero::Allowed});
    reader.refuse_others();
    if (!has_listen || listen.empty()) return;
    const auto forwards = parse_forward(listen, to);
    if (!forwards) return source.wrong(node, "forward: " + forwards.error().text);
    for (auto forward : *forwards) {
        forward.probe = options.probe;
        forward.grace = options.grace;
        into.push_back(std::move(forward));
    }
}

void read_forward(const Node& node, const std::string& path, Source& source,
                  std::vector<ForwardSettings>& into) {
    if (node.kind == Node::Kind::Map) return read_forward_map(node, path, source, into);
    if (!is_scalar(node, "forwards", source)) return;
    const auto forwards = parse_forward(node.scalar, {});
    if (!forwards) return source.wrong(node, "forward: " + forwards.error().text);
    into.insert(into.end(), forwards->begin(), forwards->end());
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

// Only the shape: visitors cannot connect yet, and what they may do is nothing until then.
void read_visitors(MapReader& relay, Source& source) {
    const Node* node = relay.find("visitors");
    if (node == nullptr) return;
    const MapReader reader{*node, relay.path_of("visitors"), source};
    if (node->entries.size() > max_visitors) {
        return source.wrong(*node, "more than " + std::to_string(max_visitors) + " visitors");
    }
    for (const auto& [name, at, value] : node->entries) {
        MapReader visitor{value, reader.path_of(name), source};
        read_keys(visitor, source);
        std::vector<std::string> reachable;
        visitor.scalars("may-reach", max_reachable_per_visitor, reachable, parse_reachable);
        visitor.refuse_others();
    }
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
    const auto room = std::min(max_forwards_per_home, max_forwards - forward_count(others));
    bool is_full = false;
    reader.list("forwards", max_forwards_per_home, [&](const Node& item, const std::string& at) {
        if (is_full) return;
        const auto before = home.forwards.size();
        read_forward(item, at, source, home.forwards);
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
    reader.scalars("listen", max_endpoints, relay.listen, parse_endpoint);
    reader.scalar("public", relay.public_endpoint,
                  [](std::string_view text) -> Result<std::optional<Endpoint>> {
                      const auto endpoint = parse_endpoint(text);
                      if (!endpoint) return endpoint.error();
                      return std::optional{*endpoint};
                  });
    reader.path("certificate", relay.certificate);
    reader.path("certificate-key", relay.certificate_key);
    reader.path("key", relay.key);
    read_homes(reader, source, relay.homes);
    read_visitors(reader, source);
    read_liveness(reader, {relay.keep_streams, relay.ping_interval, relay.ping_deadline});
    reader.duration("probe-interval", relay.probe_interval,
                    {.least = 1s, .most = 24h, .zero = Zero::Allowed});
    reader.duration("handshake-timeout", relay.handshake_timeout, {.least = 1s, .most = 5min});
    reader.scalar("probe-failures", relay.probe_failures, number_between<unsigned>(1, 1000));
    reader.scalar("streams-per-home", relay.streams_per_home,
                  number_between<std::size_t>(1, max_streams_per_home));
    reader.refuse_others();
    return relay;
}

}  // namespace relay
