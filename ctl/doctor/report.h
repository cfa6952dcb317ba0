// The checks of `relayctl doctor`, for people: a line each, and below what is wrong what to do.
#pragma once

#include <string>
#include <vector>

#include "common/control/snapshot.h"
#include "ctl/output/table.h"

namespace relay {

// Grouped by subject, with a summary at the end that names what is broken.
std::string report_text(const std::vector<CheckSnapshot>& checks, Colour colour);

}  // namespace relay
