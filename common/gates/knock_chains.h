// The rules that follow one sequence of knocks. Private to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/gates/ruleset.h"

namespace relay {

// One sequence of one gate, and what it does.
struct KnockChain {
    const Gate& gate;
    const std::vector<KnockStep>& sequence;
    bool opens = true;
    TellKnocks tell = TellKnocks::Yes;
};

// Sets for each stage and a chain for each family; and the rules that lead there, for the chain
// that all packets come by.
void add_chains(const KnockChain& chain, std::string& table);
void add_jumps(const KnockChain& chain, std::string& input);

}  // namespace relay
