// Whether somebody keeps the gates that the settings have.
#pragma once

#include <string>

#include "common/settings/settings.h"
#include "daemon/checks/checklist.h"

namespace relay {

// Adds "gates", if there are any. relayd-gate is asked beside the control socket of relayd,
// `control`.
void check_gates_kept(Checklist& checks, const Settings& settings, const std::string& control);

}  // namespace relay
