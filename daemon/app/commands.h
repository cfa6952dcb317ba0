// The commands that print something and end.
#pragma once

#include "daemon/app/options.h"

namespace relay {

// `relayd key show`: prints the public line and its fingerprint; makes the key if there is none.
// Returns the exit code.
int show_key(const Options& options, const KeyShow& command);

// `relayd check FILE`.
int check_file(const CheckFile& command);

}  // namespace relay
