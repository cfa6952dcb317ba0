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
    }

    void check(const HomeSettings& home) {
        check_liveness("home", home.ping_interval, home.ping_deadline);
        if (home.reconnect_first > home.reconnect_most) {
            wrong(place_of("home/reconnect-first", "home/reconnect-most"),
                  "reconnect-first (" + duration_text(home.reconnect_first) +
                      ") must not be longer than reconnect-most (" +
                      duration_text(home.reconnect_most) + ")");
        }
    }

private:
    struct Listener {
        std::string host;
        Place place;
    };

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

    void check_home(const std::string& name, const HomeEntry& home) {
        const auto path = "relay/homes/" + name;
        for (std::size_t i = 0; i < home.keys.size(); ++i) {
            check_key(home.keys[i].key, name, place_of(path + "/keys/" + std::to_string(i)));
        }
        for (std::size_t i = 0; i < home.forwards.size(); ++i) {
            add_listener(home.forwards[i].listen,
                         place_of(path + "/listeners/" + std::to_string(i)));
        }
    }

    // A key is who a home is, so that it can only be one.
    void check_key(const PublicKey& key, const std::string& home, const Place& place) {
        const auto [first, is_new] = keys_.try_emplace(key, home, place);
        if (is_new) return;
        wrong(place, "this key is already that of '" + first->second.first + "' at " +
                         to_text(first->second.second));
    }

    // The kernel refuses one address beside the wildcard address, too.
    static bool collide(const std::string& a, const std::string& b) {
        if (a == b) return true;
        const bool is_same_family = (a.find(':') == a.npos) == (b.find(':') == b.npos);
        const std::string_view wildcard = a.find(':') == a.npos ? "0.0.0.0" : "::";
        return is_same_family && (a == wildcard || b == wildcard);
    }

    void add_listener(const HostPort& listen, const Place& place) {
        auto& others = listeners_[listen.port];
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
    std::map<std::uint16_t, std::vector<Listener>> listeners_;
};

}  // namespace

void check_rules(const Settings& settings, const Places& places,
                 std::vector<Diagnostic>& diagnostics) {
    Rules rules{places, diagnostics};
    if (settings.relay) rules.check(*settings.relay);
    if (settings.home) rules.check(*settings.home);
}

}  // namespace relay
