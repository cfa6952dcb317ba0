// What must hold across settings, once each of them is well formed.
#pragma once

#include "common/settings/reader.h"
#include "common/settings/settings.h"

namespace relay {

// Adds a diagnostic for each broken rule, at the place of the later of the two settings.
void check_rules(const Settings& settings, const Places& places,
                 std::vector<Diagnostic>& diagnostics);

}  // namespace relay
