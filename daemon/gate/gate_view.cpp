#include "daemon/gate/gate_view.h"

#include <algorithm>

#include "daemon/io/system_clock.h"

namespace relay {

namespace {

double seconds_of(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

std::int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(wall_time().time_since_epoch())
        .count();
}

std::string text_of(const GatedPlace& place) {
    return (place.address.empty() ? "" : place.address + " ") + to_text(place.ports);
}

GateSnapshot snapshot_of(const Gate& gate) {
    GateSnapshot shown;
    shown.name = gate.name;
    for (const auto& place : gate.places) shown.places.push_back(text_of(place));
    for (const auto& place : gate.claimed) shown.claimed.push_back(text_of(place));
    shown.closed = name_of(gate.settings.closed);
    for (const auto& network : gate.settings.always) shown.always.push_back(to_text(network));
    shown.open_for_s = seconds_of(gate.settings.open_for);
    if (!gate.settings.sequence.empty()) shown.opened_by.emplace_back("sequence");
    if (!gate.settings.keys.empty() || !gate.settings.visitors.empty()) {
        shown.opened_by.emplace_back("signed");
    }
    shown.ascending = !gate.settings.sequence.empty() && is_monotone(gate.settings.sequence);
    return shown;
}

}  // namespace

GateList gate_list(const std::vector<Gate>& gates, const GateStates& states,
                   const std::string& problem) {
    GateList list;
    list.problem = problem;
    const TimePoint at = now();
    for (const auto& gate : gates) {
        list.gates.push_back(snapshot_of(gate));
        auto& shown = list.gates.back();
        const auto state = states.find(gate.name);
        if (state == states.end()) continue;
        for (const auto& whom : state->second.open) {
            shown.open.push_back({to_text(whom.address),
                                  whom.pass == Pass::Knocked ? "knock" : "operator",
                                  moment_of(at + whom.left, at, wall_ms())});
        }
        shown.passed = state->second.counters.passed;
        shown.refused = state->second.counters.refused;
        shown.knocked = state->second.counters.knocked;
    }
    return list;
}

std::vector<std::string> changes_between(const std::vector<Gate>& before,
                                         const std::vector<Gate>& after) {
    std::vector<std::string> changes;
    for (const auto& gate : before) {
        const auto found = std::ranges::find(after, gate.name, &Gate::name);
        if (found == after.end()) changes.push_back("gate " + gate.name + " removed");
    }
    for (const auto& gate : after) {
        const auto found = std::ranges::find(before, gate.name, &Gate::name);
        if (found == before.end()) changes.push_back("gate " + gate.name + " added");
        if (found != before.end() && *found != gate) {
            changes.push_back("gate " + gate.name + " changed");
        }
    }
    return changes;
}

}  // namespace relay
