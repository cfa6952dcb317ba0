// Keeps the kernel's table as the settings say, and says who may pass. The table outlives us: what
// we do not do, nobody misses but those who ask.
#pragma once

#include <string>
#include <vector>

#include "common/gates/ruleset.h"
#include "daemon/gate/nftables.h"

namespace relay {

class Gatekeeper {
public:
    // Whoever is let in stays so, and for as long as before. Nothing changes if that fails. Where
    // claims alone are other ones, not even somebody who knocks just now notices. Only the first
    // `of_settings` gates let in anybody.
    Status apply(std::vector<Gate> gates, std::size_t of_settings);
    // Puts back what somebody has taken away.
    Status apply_again() { return apply(gates_, of_settings_); }

    // With all that is claimed.
    const std::vector<Gate>& gates() const { return gates_; }
    Result<GateStates> states();
    Status open(const std::string& gate, const OpenFor& whom);
    Status close(const std::string& gate, const IpAddress& address);
    // Whether there is a table, ours or one that a former process has left.
    bool has_table() { return static_cast<bool>(listing()); }
    // Whether somebody has taken the table away.
    bool is_gone() { return !gates_.empty() && !has_table(); }
    bool tells_knocks() const { return tell_ == TellKnocks::Yes; }

private:
    Result<std::string> listing();

    Nftables nftables_;
    TellKnocks tell_ = TellKnocks::Yes;
    std::vector<Gate> gates_;
    std::size_t of_settings_ = 0;
};

}  // namespace relay
