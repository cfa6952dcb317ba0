// Gates as relayctl shows them.
#pragma once

#include <string>
#include <vector>

#include "common/control/gates.h"
#include "common/gates/ruleset.h"

namespace relay {

GateList gate_list(const std::vector<Gate>& gates, const GateStates& states,
                   const std::string& problem);

// A line for each gate that comes, goes or changes.
std::vector<std::string> changes_between(const std::vector<Gate>& before,
                                         const std::vector<Gate>& after);

}  // namespace relay
