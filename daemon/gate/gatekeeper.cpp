#include "daemon/gate/gatekeeper.h"

#include <algorithm>

namespace relay {

namespace {

bool differ_in_claims_alone(const std::vector<Gate>& a, const std::vector<Gate>& b) {
    return std::ranges::equal(a, b, [](const Gate& one, const Gate& other) {
        return one.name == other.name && one.settings == other.settings &&
               one.places == other.places;
    });
}

}  // namespace

Result<std::string> Gatekeeper::listing() {
    return nftables_.run("list table inet " + std::string{gates_table} + "\n");
}

Status Gatekeeper::apply(std::vector<Gate> gates, std::size_t of_settings) {
    if (!gates.empty() && of_settings == of_settings_ && differ_in_claims_alone(gates, gates_) &&
        nftables_.run(claims_of(gates))) {
        gates_ = std::move(gates);
        return Done{};
    }
    const auto kept = listing();
    auto states = kept ? states_in(*kept) : GateStates{};
    for (std::size_t i = of_settings; i < gates.size(); ++i) states[gates[i].name].open.clear();
    auto done = nftables_.run(ruleset_of(gates, states, tell_));
    // A kernel may have no NFLOG.
    if (!done && tell_ == TellKnocks::Yes) {
        tell_ = TellKnocks::No;
        done = nftables_.run(ruleset_of(gates, states, tell_));
        if (!done) tell_ = TellKnocks::Yes;
    }
    if (!done) return done.error();
    gates_ = std::move(gates);
    of_settings_ = of_settings;
    return Done{};
}

Result<GateStates> Gatekeeper::states() {
    if (gates_.empty()) return GateStates{};
    const auto text = listing();
    if (!text) return text.error();
    return states_in(*text);
}

Status Gatekeeper::open(const std::string& gate, const OpenFor& whom) {
    const auto done = nftables_.run(opening(gate, whom));
    if (!done) return done.error();
    return Done{};
}

Status Gatekeeper::close(const std::string& gate, const IpAddress& address) {
    const auto done = nftables_.run(closing(gate, address));
    if (!done) return done.error();
    return Done{};
}

}  // namespace relay
