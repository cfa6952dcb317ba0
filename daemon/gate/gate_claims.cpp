#include "daemon/gate/gate_claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "daemon/watches/listening_ports.h"

namespace relay {

namespace {

Result<GateClaim> parse_claim(const ClaimedPlace& asked) {
    const auto gate = parse_gate_name(asked.gate);
    if (!gate) return gate.error();
    const auto ports = parse_port_range(asked.ports);
    if (!ports) return ports.error();
    GateClaim claim{*gate, {{}, {*ports, Transport::Tcp}}};
    if (asked.address.empty()) return claim;
    const auto address = parse_ip_address(asked.address);
    if (!address) return address.error();
    claim.place.address = to_text(*address);
    return claim;
}

// Whoever claims the port of somebody else's program would shut out its users.
std::string taken_by(const std::vector<ListeningPort>& listeners, const GatedPlace& place,
                     uid_t asker) {
    if (asker == 0) return {};
    static const IpAddress any_v4 = *parse_ip_address("0.0.0.0"), any_v6 = *parse_ip_address("::");
    const auto address = parse_ip_address(place.address);
    const auto is_others = [&](const ListeningPort& each) {
        const bool is_there = !address || each.address == *address || each.address == any_v4 ||
                              each.address == any_v6;
        return each.uid != asker && is_there && !each.address.is_loopback() &&
               place.ports.ports.contains(each.port);
    };
    const auto found = std::ranges::find_if(listeners, is_others);
    if (found == listeners.end()) return {};
    return fmt::format(
        "a program of user {} listens on port {}: to close it, write it in ports: of the gate",
        found->uid, found->port);
}

}  // namespace

// Ranges may have come together, or apart.
bool GateClaims::has(const GateClaim& claim) const {
    const auto is_closed = [&](unsigned port) {
        return std::ranges::any_of(all_, [&](const GateClaim& each) {
            return each.gate == claim.gate && each.place.address == claim.place.address &&
                   each.place.ports.ports.contains(static_cast<std::uint16_t>(port));
        });
    };
    const auto& ports = claim.place.ports.ports;
    for (unsigned port = ports.first; port <= ports.last; ++port) {
        if (!is_closed(port)) return false;
    }
    return true;
}

Result<GateClaims::Judged> GateClaims::judge(const ClaimPlaces& request,
                                             const std::vector<Gate>& gates, uid_t asker) const {
    if (request.places.size() > max_claimed_places) {
        return Error{ErrorCode::TooLarge, fmt::format("at most {} places can be behind gates that "
                                                      "no settings have there",
                                                      max_claimed_places)};
    }
    Judged judged;
    std::optional<std::vector<ListeningPort>> listeners;
    for (std::size_t i = 0; i < request.places.size(); ++i) {
        const auto claim = parse_claim(request.places[i]);
        if (!claim) {
            judged.refused.push_back({i, claim.error().text});
            continue;
        }
        auto [standing, why] = judge_claim(gates, *claim);
        if (standing == ClaimStanding::Claimed && !has(*claim)) {
            if (!listeners) {
                auto all = all_listening();
                if (!all) return all.error();
                listeners = *std::move(all);
            }
            why = taken_by(*listeners, claim->place, asker);
        }
        if (!why.empty()) judged.refused.push_back({i, why});
        if (why.empty() || has(*claim)) judged.claims.push_back(*claim);
    }
    judged.claims = merged(std::move(judged.claims));
    return judged;
}

Status GateClaims::set(std::vector<GateClaim> claims) {
    const auto kept = files_.keep(claims);
    if (!kept) return kept.error();
    all_ = std::move(claims);
    return Done{};
}

}  // namespace relay
