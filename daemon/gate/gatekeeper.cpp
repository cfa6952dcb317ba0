#include "daemon/gate/gatekeeper.h"

#include <algorithm>

namespace relay {

Result<std::string> Gatekeeper::listing() {
    return nftables_.run("list table inet " + std::string{gates_table} + "\n");
}

Status Gatekeeper::apply(std::vector<Gate> gates) {
    const auto kept = listing();
    if (kept && gates == gates_ && !gates.empty()) return Done{};
    const auto states = kept ? states_in(*kept) : GateStates{};
    auto done = nftables_.run(ruleset_of(gates, states, tell_));
    // A kernel may have no NFLOG.
    if (!done && tell_ == TellKnocks::Yes) {
        tell_ = TellKnocks::No;
        done = nftables_.run(ruleset_of(gates, states, tell_));
        if (!done) tell_ = TellKnocks::Yes;
    }
    if (!done) return done.error();
    gates_ = std::move(gates);
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
