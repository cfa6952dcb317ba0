// Where relayd-gate is asked.
#pragma once

#include <string>

#include "ctl/command.h"

namespace relay {

// What --control says, or the usual one.
std::string gate_socket(const Call& call);

}  // namespace relay
