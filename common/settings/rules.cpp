#include "common/settings/rules.h"

#include <map>

#include "common/base/text.h"

namespace relay {

namespace {

class Rules {
public:
    Rules(const Places& places, std::vector<Diagnostic>& diagnostics)
        : places_(places), diagnostics_(diagnostics) {}

    void check(const RelaySettings& relay) {
        check_liveness("relay", relay.ping_interval, relay.ping_deadline);
        check_certificate(relay);
        for (std::size_t i = 0; i < relay.listen.size(); ++i) {
            const auto& endpoint = relay.listen[i];
            add_listener({endpoint.host, endpoint.port},
                         place_of("relay/listen/" + std::to_string(i), "relay"));
        }
        for (const auto& [name, home] : relay.homes) check_home(name, home);
        check_targets(relay);
        for (const auto& [name, visitor] : relay.visitors) {
            const auto path = "relay/visitors/" + name;
            check_keys(visitor.keys, name, path);
            if (relay.homes.contains(name)) {
                wrong(place_of(path), "'" + name + "' is a home already, at " +
                                          to_text(place_of("relay/homes/" + name)));
            }
        }
    }

    void check(const std::string& role, const DialSettings& dial) {
        check_liveness(role, dial.ping_interval, dial.ping_deadline);
        if (dial.reconnect_first > dial.reconnect_most) {
            wrong(place_of(role + "/reconnect-first", role + "/reconnect-most"),
                  "reconnect-first (" + duration_text(dial.reconnect_first) +
                      ") must not be longer than reconnect-most (" +
                      duration_text(dial.reconnect_most) + ")");
        }
        if (dial.tls_ended_by_proxy && dial.tls_verify == TlsVerify::None) {
            wrong(place_of(role + "/tls-ended-by-proxy", role),
                  "tls-ended-by-proxy needs tls-verify: system, or a PEM file: nothing but the "
                  "proxy's certificate tells it from somebody in the middle");
        }
        if (dial.roads.retry_first > dial.roads.retry_most) {
            wrong(place_of(role + "/road-retry-first", role + "/road-retry-most"),
                  "road-retry-first (" + duration_text(dial.roads.retry_first) +
                      ") must not be longer than road-retry-most (" +
                      duration_text(dial.roads.retry_most) + ")");
        }
    }

    void check(const HomeSettings& home) {
        check_reach("home", home);
        check_forwards("home", home);
        std::map<std::string, Place> keys, endpoints;
        for (const auto& [name, relay] : home.several) {
            const auto path = "home/relays/" + name;
            check(path, static_cast<const DialSettings&>(relay));
            check_reach(path, relay);
            if (relay.forwards != home.forwards) check_forwards(path, relay);
            if (relay.relay_key) check_only(keys, to_text(*relay.relay_key), path);
            for (const Endpoint& endpoint : relay.relays) {
                check_only(endpoints, to_text(endpoint), path);
            }
        }
    }

    void check_reach(const std::string& path, const HomeRelaySettings& home) {
        for (std::size_t i = 0; i < home.reach.size(); ++i) {
            add_listener(home.reach[i].listen, place_of(path + "/listeners/" + std::to_string(i)));
        }
    }

    void check_forwards(const std::string& path, const HomeRelaySettings& home) {
        Listeners of_relay;
        for (std::size_t i = 0; i < home.forwards.size(); ++i) {
            add_listener(home.forwards[i].listen,
                         place_of(path + "/forwards-at/" + std::to_string(i)), of_relay);
        }
    }

    void check(const VisitSettings& visit) {
        for (std::size_t i = 0; i < visit.forwards.size(); ++i) {
            add_listener(visit.forwards[i].listen,
                         place_of("visit/listeners/" + std::to_string(i)));
        }
        if (visit.dynamic) add_listener(*visit.dynamic, place_of("visit/dynamic"));
        if (visit.forwards.empty() && !visit.dynamic) {
            wrong(place_of("visit"),
                  "nothing to reach: write forwards: [ \"work-pc:3389\" ], or dynamic: 1080");
        }
    }

private:
    struct Listener {
        std::string host;
        Place place;
    };
    using Listeners = std::map<std::uint16_t, std::vector<Listener>>;

    void wrong(const Place& place, std::string text) {
        diagnostics_.push_back({place, std::move(text)});
    }

    Place place_of(const std::string& path, const std::string& or_else = {}) const {
        if (const auto found = places_.find(path); found != places_.end()) return found->second;
        const auto found = places_.find(or_else);
        return found == places_.end() ? Place{} : found->second;
    }

    void check_liveness(const std::string& role, Duration interval, Duration deadline) {
        if (deadline > interval) return;
        wrong(place_of(role + "/ping-deadline", role + "/ping-interval"),
              "ping-deadline (" + duration_text(deadline) +
                  ") must be longer than ping-interval (" + duration_text(interval) + ")");
    }

    void check_certificate(const RelaySettings& relay) {
        if (relay.certificate.empty() == relay.certificate_key.empty()) return;
        const std::string there = relay.certificate.empty() ? "certificate-key" : "certificate";
        const std::string missing = relay.certificate.empty() ? "certificate" : "certificate-key";
        wrong(place_of("relay/" + there), "'" + there + "' needs '" + missing + "' beside it");
    }

    // relay:PORT means one of them, and nothing else.
    void check_targets(const RelaySettings& relay) {
        std::map<std::uint16_t, const HostPort*> by_port;
        for (const HostPort& target : relay.targets) {
            if (is_unix(target.host)) continue;
            const auto [first, is_new] = by_port.try_emplace(target.port, &target);
            if (is_new) continue;
            wrong(place_of("relay/targets", "relay"),
                  "targets: " + to_text(target) + " has the port of " + to_text(*first->second) +
                      ": relay:" + std::to_string(target.port) + " would mean both");
        }
        if (relay.targets.empty() || !relay.homes.contains("relay")) return;
        wrong(place_of("relay/homes/relay"),
              "a home cannot be called 'relay' beside 'targets': relay:PORT would mean both");
    }

    void check_home(const std::string& name, const HomeEntry& home) {
        const auto path = "relay/homes/" + name;
        check_keys(home.keys, name, path);
        check_targets(home, path);
        for (std::size_t i = 0; i < home.forwards.size(); ++i) {
            add_listener(home.forwards[i].listen,
                         place_of(path + "/listeners/" + std::to_string(i)));
        }
    }

    void check_targets(const HomeEntry& home, const std::string& path) {
        for (std::size_t i = 0; i < home.forwards.size(); ++i) {
            const std::string why = target_refused(home.policy, home.forwards[i].target);
            if (why.empty()) continue;
            wrong(place_of(path + "/listeners/" + std::to_string(i)), "forward: " + why);
        }
    }

    void check_keys(const std::vector<AuthorizedKey>& keys, const std::string& name,
                    const std::string& path) {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            check_key(keys[i].key, name, place_of(path + "/keys/" + std::to_string(i)));
        }
    }

    // A key is who a home or a visitor is, so that it can only be one.
    void check_key(const PublicKey& key, const std::string& home, const Place& place) {
        const auto [first, is_new] = keys_.try_emplace(key, home, place);
        if (is_new) return;
        wrong(place, "this key is already that of '" + first->second.first + "' at " +
                         to_text(first->second.second));
    }

    // A second session with the same relay would end the first.
    void check_only(std::map<std::string, Place>& known, const std::string& what,
                    const std::string& path) {
        const auto [first, is_new] = known.try_emplace(what, place_of(path));
        if (is_new) return;
        wrong(place_of(path), what + " is that of another relay already, at " +
                                  to_text(first->second) +
                                  ": several endpoints of one relay are a list: relay: [ …, … ]");
    }

    // The kernel refuses one address beside the wildcard address, too.
    static bool collide(const std::string& a, const std::string& b) {
        if (a == b) return true;
        if (is_unix(a) || is_unix(b)) return false;
        const bool is_same_family = (a.find(':') == a.npos) == (b.find(':') == b.npos);
        const std::string_view wildcard = a.find(':') == a.npos ? "0.0.0.0" : "::";
        return is_same_family && (a == wildcard || b == wildcard);
    }

    void add_listener(const HostPort& listen, const Place& place) {
        add_listener(listen, place, listeners_);
    }

    void add_listener(const HostPort& listen, const Place& place, Listeners& listeners) {
        auto& others = listeners[listen.port];
        for (const auto& other : others) {
            if (!collide(other.host, listen.host)) continue;
            const HostPort taken{other.host, listen.port};
            wrong(place, to_text(listen) + " is taken already" +
                             (taken == listen ? "" : " by " + to_text(taken)) + ", at " +
                             to_text(other.place));
            return;
        }
        others.push_back({listen.host, place});
    }

    const Places& places_;
    std::vector<Diagnostic>& diagnostics_;
    std::map<PublicKey, std::pair<std::string, Place>> keys_;
    Listeners listeners_;
};

}  // namespace

void check_rules(const Settings& settings, const Places& places,
                 std::vector<Diagnostic>& diagnostics) {
    Rules rules{places, diagnostics};
    if (settings.relay) rules.check(*settings.relay);
    if (settings.home) {
        rules.check("home", *settings.home);
        rules.check(*settings.home);
    }
    if (settings.visit) {
        rules.check("visit", *settings.visit);
        rules.check(*settings.visit);
    }
}

}  // namespace relay
