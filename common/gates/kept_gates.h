// Gates as a file, so that relayd-gate begins with those that were in force last.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/settings/gate.h"

namespace relay {

// Without what is claimed. A line "gate NAME" begins each, and others say what it has.
std::string kept_text(const std::vector<Gate>& gates);
// All of it or an error.
Result<std::vector<Gate>> parse_kept(std::string_view text);

}  // namespace relay
