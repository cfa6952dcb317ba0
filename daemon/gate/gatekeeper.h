// Keeps the kernel's table as the settings say, and says who may pass. The table outlives us: what
// we do not do, nobody misses but those who ask.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/gates/ruleset.h"
#include "daemon/gate/nftables.h"

namespace relay {

class Gatekeeper {
public:
    // `rules_path`: where the last rules that held are kept, for a start with wrong settings.
    explicit Gatekeeper(std::string rules_path) : rules_path_(std::move(rules_path)) {}

    // Whoever is let in stays so, and for as long as before. Nothing changes if that fails.
    Status apply(std::vector<Gate> gates);
    // Those that held last, unless there is a table. False: there is neither.
    bool restore();
    // Keeps for a start with wrong settings what holds now.
    Status remember() const;

    const std::vector<Gate>& gates() const { return gates_; }
    Result<GateStates> states();
    Status open(const std::string& gate, const OpenFor& whom);
    Status close(const std::string& gate, const IpAddress& address);
    // Whether somebody has taken the table away.
    bool is_gone() { return !gates_.empty() && !listing(); }
    bool tells_knocks() const { return tell_ == TellKnocks::Yes; }

private:
    Result<std::string> listing();

    std::string rules_path_;
    Nftables nftables_;
    TellKnocks tell_ = TellKnocks::Yes;
    std::vector<Gate> gates_;
};

}  // namespace relay
