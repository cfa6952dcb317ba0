#include "common/settings/forward.h"
#include "common/settings/sections.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

void read_home_forwards(MapReader& reader, Source& source, std::vector<ForwardSettings>& into) {
    if (reader.find("forwards") != nullptr) into.clear();
    bool is_full = false;
    reader.list("forwards", max_asked_forwards, [&](const Node& item, const std::string& at) {
        const auto before = into.size();
        if (is_full) return;
        read_forward({item, at}, source, ForwardOwner::Home, into);
        is_full = into.size() > max_asked_forwards;
        if (is_full) source.wrong(item, "more than 256 forwards");
        for (auto i = before; i < into.size(); ++i) {
            source.remember(reader.path_of("forwards-at/" + std::to_string(i)), item.at);
        }
    });
}

// What belongs to one relay alone, and can be nobody's default.
void refuse_beside_several(MapReader& reader, Source& source) {
    for (const char* key : {"relay", "relay-key", "reach"}) {
        const Node* node = reader.find(key);
        if (node == nullptr) continue;
        source.wrong(*node, std::string{"'"} + key +
                                "' is not for several relays: write it below one of 'relays'");
    }
}

// relays: { NAME: { relay: …, relay-key: …, forwards: …, reach: … } }, and whatever else says how
// it is dialled.
void read_several(MapReader& reader, Source& source, HomeSettings& home) {
    const Node* relays = reader.find("relays");
    if (relays == nullptr) return;
    refuse_beside_several(reader, source);
    if (relays->kind != Node::Kind::Map || relays->entries.empty()) {
        return source.wrong(*relays, "'relays' is a map: NAME: { relay: wss://vps.example.com }");
    }
    for (const auto& [name, at, value] : relays->entries) {
        const auto path = reader.path_of("relays/" + name);
        if (!check_home_name(name)) {
            source.wrong(at, "'" + name + "' is not a relay's name: it is written as a home's");
            continue;
        }
        if (home.several.size() >= max_relays_at_once) {
            return source.wrong(
                at, "more than " + std::to_string(max_relays_at_once) + " relays at once");
        }
        source.remember(path, at);
        HomeRelaySettings relay = home;
        relay.relays.clear();
        relay.relay_key.reset();
        relay.reach.clear();
        MapReader entry{value, path, source};
        entry.require("relay", "wss://vps.example.com");
        read_ways(entry, relay, source);
        read_home_forwards(entry, source, relay.forwards);
        if (entry.find("reach") != nullptr) {
            read_own_listeners(entry, {"reach", max_asked_forwards}, source, relay.reach);
        }
        entry.refuse_others();
        home.several.emplace(name, std::move(relay));
    }
}

}  // namespace

HomeSettings read_home(const Node& node, Source& source) {
    HomeSettings home;
    MapReader reader{node, "home", source};
    reader.require("name", "work-pc");
    const bool has_several = reader.find("relays") != nullptr;
    read_who(reader, home);
    if (!has_several) reader.require("relay", "wss://vps.example.com");
    read_ways(reader, home, source);
    reader.scalars("allow", max_allow_rules, home.allow, parse_allow_rule);
    read_home_forwards(reader, source, home.forwards);
    if (!has_several && reader.find("reach") != nullptr) {
        read_own_listeners(reader, {"reach", max_asked_forwards}, source, home.reach);
    }
    reader.duration("connect-timeout", home.connect_timeout, {.least = 1s, .most = 5min});
    reader.scalar("end-to-end", home.end_to_end, parse_end_to_end_of_home);
    reader.scalars("visitors", max_accepted_visitors, home.visitors, parse_visitor_key);
    read_several(reader, source, home);
    reader.refuse_others();
    return home;
}

std::map<std::string, HomeRelaySettings> relays_of(const HomeSettings& home) {
    if (home.several.empty()) return {{std::string{}, home}};
    return home.several;
}

std::vector<Endpoint> endpoints_of(const HomeSettings& home) {
    std::vector<Endpoint> all;
    for (const auto& [name, relay] : relays_of(home)) {
        all.insert(all.end(), relay.relays.begin(), relay.relays.end());
    }
    return all;
}

}  // namespace relay
