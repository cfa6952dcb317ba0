// The settings file, as relayd would read it now.
#pragma once

#include <optional>
#include <string>

#include "daemon/app/configuration.h"
#include "daemon/checks/checklist.h"

namespace relay {

// Adds "settings". The settings, if they are right; `path` empty: where relayd looks by itself.
std::optional<Configuration> check_settings(Checklist& checks, const std::string& path);

}  // namespace relay
