#include "common/settings/gate_rules.h"

#include <algorithm>
#include <set>

namespace relay {

namespace {

bool has_port(const Gate& gate, const KnockStep& step) {
    return std::ranges::any_of(gate.places, [&](const GatedPlace& place) {
        return place.ports.transport == step.transport && place.ports.ports.contains(step.port);
    });
}

class GateRules {
public:
    GateRules(const Places& places, std::vector<Diagnostic>& diagnostics)
        : places_(places), diagnostics_(diagnostics) {}

    void check(const Settings& settings) {
        may_come_later_ = settings.relay.has_value();
        if (settings.relay) check_users(*settings.relay, settings.gates);
        const auto gates = gates_of(settings);
        for (std::size_t i = 0; i < gates.size(); ++i) {
            check_gate(gates[i]);
            check_signers(gates[i], settings);
            for (std::size_t j = 0; j < i; ++j) check_apart(gates[j], gates[i]);
        }
    }

private:
    using Known = std::map<std::string, GateSettings>;

    void check_users(const RelaySettings& relay, const Known& known) {
        for (std::size_t i = 0; i < relay.listen_gates.size(); ++i) {
            const auto& endpoint = relay.listen[i];
            check_user({endpoint.host, endpoint.port}, relay.listen_gates[i], known,
                       place_of("relay/listen/" + std::to_string(i), "relay"));
        }
        check_default(relay.default_gate, known, "relay/default-gate");
        for (const auto& [name, home] : relay.homes) {
            check_default(home.default_gate, known, "relay/homes/" + name + "/default-gate");
            for (std::size_t i = 0; i < home.forwards.size(); ++i) {
                const auto path = "relay/homes/" + name + "/listeners/" + std::to_string(i);
                const auto& forward = home.forwards[i];
                check_user(forward.listen, forward.gate, known, place_of(path, "relay"));
            }
        }
    }

    void check_default(const std::string& gate, const Known& known, const std::string& path) {
        if (gate.empty() || known.contains(gate)) return;
        wrong(place_of(path, "relay"), "there is no gate '" + gate + "': write it under gates:");
    }

    void check_user(const HostPort& listen, const std::string& gate, const Known& known,
                    const Place& place) {
        if (gate.empty()) return;
        const auto address = parse_ip_address(listen.host);
        if (!known.contains(gate)) {
            wrong(place, "there is no gate '" + gate + "': write it under gates:");
        } else if (is_unix(listen.host)) {
            wrong(place, "a gate is for addresses, and a unix socket has none");
        } else if (address && address->is_loopback()) {
            wrong(place, to_text(listen) +
                             " is reached from this host alone, which no gate keeps out: leave "
                             "the gate out, or listen on another address");
        }
    }

    void check_gate(const Gate& gate) {
        const auto path = "gates/" + gate.name;
        const bool has_hooks =
            !gate.settings.start_command.empty() || !gate.settings.stop_command.empty();
        check_program(gate.settings.start_command, path + "/start-command");
        check_program(gate.settings.stop_command, path + "/stop-command");
        // A relay gets forwards, visitors and homes at run time, too.
        if (gate.places.empty() && !has_hooks && !may_come_later_) {
            wrong(place_of(path), "the gate '" + gate.name +
                                      "' closes nothing: write ports: [ \"22\" ], or gate: " +
                                      gate.name + " at a forward");
        }
        check_sequence(gate, gate.settings.sequence, path + "/sequence");
        check_sequence(gate, gate.settings.close_sequence, path + "/close-sequence");
        check_order(gate.settings, path);
        if (gate.settings.sequence.empty() ||
            gate.settings.sequence != gate.settings.close_sequence)
            return;
        wrong(place_of(path + "/close-sequence"), "close-sequence is the one that opens");
    }

    // What has no path is looked for where programs usually are.
    void check_program(const std::vector<std::string>& words, const std::string& path) {
        if (words.empty() || words[0].front() == '/' || words[0].find('/') == std::string::npos) {
            return;
        }
        wrong(place_of(path), "'" + words[0] + "' is no path of a program: write it from / on");
    }

    void check_signers(const Gate& gate, const Settings& settings) {
        const auto path = "gates/" + gate.name;
        const bool is_signed = !gate.settings.keys.empty() || !gate.settings.visitors.empty();
        if (is_signed && settings.knock.empty()) {
            wrong(place_of(path),
                  "signed knocks are heard nowhere: write knock: 62201 beside "
                  "gates");
        }
        for (const auto& name : gate.settings.visitors) {
            if (may_come_later_) continue;
            wrong(place_of(path + "/visitors"),
                  "'" + name + "' is unknown: a relay alone has visitors and homes");
        }
    }

    void check_sequence(const Gate& gate, const std::vector<KnockStep>& sequence,
                        const std::string& path) {
        for (const auto& step : sequence) {
            if (!has_port(gate, step)) continue;
            return wrong(place_of(path), to_text(step) +
                                             " is a port of the gate itself, which nobody can "
                                             "knock at");
        }
    }

    void check_order(const GateSettings& gate, const std::string& path) {
        if (gate.sequence.empty() || gate.allow_ascending || !is_monotone(gate.sequence)) return;
        const auto better = reordered(gate.sequence);
        wrong(place_of(path + "/sequence"),
              "any scan that tries one port after another knocks " + to_text(gate.sequence) +
                  ": write " +
                  (better.empty() ? "at least three ports, out of order" : to_text(better)) +
                  ", or allow-ascending: true beside it");
    }

    void check_apart(const Gate& a, const Gate& b) {
        for (const auto& one : a.places) {
            const auto found = std::ranges::find_if(
                b.places, [&](const GatedPlace& other) { return overlap(one, other); });
            if (found == b.places.end()) continue;
            return wrong(place_of("gates/" + b.name),
                         to_text(found->ports) + " is behind the gate '" + a.name +
                             "' already, at " + to_text(place_of("gates/" + a.name)));
        }
    }

    void wrong(const Place& place, std::string text) {
        diagnostics_.push_back({place, std::move(text)});
    }

    Place place_of(const std::string& path, const std::string& or_else = {}) const {
        if (const auto found = places_.find(path); found != places_.end()) return found->second;
        const auto found = places_.find(or_else);
        return found == places_.end() ? Place{} : found->second;
    }

    const Places& places_;
    std::vector<Diagnostic>& diagnostics_;
    bool may_come_later_ = false;
};

}  // namespace

void check_gate_rules(const Settings& settings, const Places& places,
                      std::vector<Diagnostic>& diagnostics) {
    GateRules{places, diagnostics}.check(settings);
}

}  // namespace relay
