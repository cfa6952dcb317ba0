#include "common/gates/claims.h"

#include <algorithm>
#include <tuple>

#include "common/base/ip_address.h"
#include "common/base/text.h"

namespace relay {

namespace {

auto order_of(const GateClaim& claim) {
    const auto& ports = claim.place.ports;
    return std::tie(claim.gate, claim.place.address, ports.transport, ports.ports.first,
                    ports.ports.last);
}

bool contains(const GatedPlace& outer, const GatedPlace& inner) {
    return overlap(outer, inner) && (outer.address.empty() || outer.address == inner.address) &&
           outer.ports.ports.first <= inner.ports.ports.first &&
           inner.ports.ports.last <= outer.ports.ports.last;
}

bool is_knocked_at(const GateSettings& gate, const GatedPlace& place) {
    const auto is_in = [&](const KnockStep& step) {
        return step.transport == place.ports.transport && place.ports.ports.contains(step.port);
    };
    return std::ranges::any_of(gate.sequence, is_in) ||
           std::ranges::any_of(gate.close_sequence, is_in);
}

ClaimVerdict refused(std::string why) {
    return {ClaimStanding::Refused, std::move(why)};
}

}  // namespace

std::vector<GateClaim> merged(std::vector<GateClaim> claims) {
    std::ranges::sort(claims,
                      [](const auto& a, const auto& b) { return order_of(a) < order_of(b); });
    std::vector<GateClaim> result;
    for (auto& claim : claims) {
        auto* last = result.empty() ? nullptr : &result.back();
        auto& ports = claim.place.ports;
        const bool goes_on = last != nullptr && last->gate == claim.gate &&
                             last->place.address == claim.place.address &&
                             last->place.ports.transport == ports.transport &&
                             ports.ports.first <= last->place.ports.ports.last + 1;
        if (!goes_on) {
            result.push_back(std::move(claim));
        } else {
            last->place.ports.ports.last = std::max(last->place.ports.ports.last, ports.ports.last);
        }
    }
    return result;
}

ClaimVerdict judge_claim(const std::vector<Gate>& gates, const GateClaim& claim) {
    const auto& place = claim.place;
    const auto address = parse_ip_address(place.address);
    if (place.ports.transport != Transport::Tcp) return refused("a forward is of TCP");
    if (!place.address.empty() && (!address || address->is_loopback())) {
        return refused("a gate is for addresses that others reach");
    }
    const auto own = std::ranges::find(gates, claim.gate, &Gate::name);
    if (own == gates.end()) {
        return refused("relayd-gate has no gate " + claim.gate +
                       ": write it under gates:, then relayctl gate apply");
    }
    for (const auto& gate : gates) {
        const bool is_taken =
            gate.name != claim.gate && std::ranges::any_of(gate.places, [&](const auto& each) {
                return overlap(each, place);
            });
        if (is_taken) return refused("it is behind the gate " + gate.name + " already");
        if (is_knocked_at(gate.settings, place)) {
            return refused("it is knocked at for the gate " + gate.name);
        }
    }
    const bool is_settled =
        std::ranges::any_of(own->places, [&](const auto& each) { return contains(each, place); });
    return {is_settled ? ClaimStanding::Settled : ClaimStanding::Claimed, {}};
}

std::vector<Gate> with_claims(std::vector<Gate> gates, const std::vector<GateClaim>& claims) {
    for (const auto& claim : claims) {
        auto gate = std::ranges::find(gates, claim.gate, &Gate::name);
        if (gate == gates.end()) gate = gates.insert(gates.end(), Gate{claim.gate, {}, {}, {}});
        const bool is_settled = std::ranges::any_of(
            gate->places, [&](const auto& each) { return contains(each, claim.place); });
        if (!is_settled) gate->claimed.push_back(claim.place);
    }
    return gates;
}

std::string claims_text(const std::vector<GateClaim>& claims) {
    std::string text;
    for (const auto& [gate, place] : claims) {
        text += gate + " " + to_text(place.ports) +
                (place.address.empty() ? "" : " " + place.address) + "\n";
    }
    return text;
}

std::vector<GateClaim> parse_claims(std::string_view text) {
    std::vector<GateClaim> claims;
    for (const auto line : split(text, '\n')) {
        const auto words = split(trim(line), ' ');
        if (words.size() < 2 || words.size() > 3) continue;
        const auto gate = parse_gate_name(words[0]);
        const auto ports = parse_gate_ports(words[1]);
        const bool is_address = words.size() == 2 || parse_ip_address(words[2]);
        if (!gate || !ports || !is_address || claims.size() == max_claimed_places) continue;
        claims.push_back({*gate, {words.size() == 3 ? std::string{words[2]} : "", *ports}});
    }
    return claims;
}

}  // namespace relay
