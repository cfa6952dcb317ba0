// `relayd join URL TOKEN`: makes this machine a home of the relay that invited it.
#pragma once

#include "daemon/app/options.h"

namespace relay {

// Asks on the terminal, unless `command` says yes. Returns the exit code: 0 joined, 1 failed, 2
// wrong options, or a configuration that is in the way.
int join(const Options& options, const Join& command);

}  // namespace relay
