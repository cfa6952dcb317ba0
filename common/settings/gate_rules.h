// What must hold across gates, and what stands behind them.
#pragma once

#include "common/settings/reader.h"
#include "common/settings/settings.h"

namespace relay {

// Adds a diagnostic for each broken rule.
void check_gate_rules(const Settings& settings, const Places& places,
                      std::vector<Diagnostic>& diagnostics);

}  // namespace relay
