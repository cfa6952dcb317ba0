// A home's way to its relay and its targets, when no relayd runs that could be asked.
#pragma once

#include <string>

#include "daemon/app/configuration.h"
#include "daemon/checks/checklist.h"

namespace relay {

// Blocks until all is tried, for less than a minute. `only`: PORT or HOST:PORT; empty: all targets.
Status check_home_alone(Checklist& checks, const Configuration& configuration,
                        const std::string& only);

}  // namespace relay
