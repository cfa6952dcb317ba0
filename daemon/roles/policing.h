// What the policies of homes and visitors mean now, and how operators see them.
#pragma once

#include <optional>

#include "common/control/snapshot.h"
#include "common/settings/settings.h"

namespace relay {

// By the local clock of this machine.
WallTime wall_time_here();

// Of a home or visitor that the settings do not name: nothing is limited.
const Policy& policy_of_home(const RelaySettings& settings, const std::string& home);
const Policy& policy_of_visitor(const RelaySettings& settings, const std::string& visitor);

// None, if nothing is limited.
std::optional<PolicySnapshot> snapshot_of(const Policy& policy);

}  // namespace relay
