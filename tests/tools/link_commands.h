#pragma once

#include <array>
#include <string>
#include <string_view>

#include "tests/tools/emulated_direction.h"

namespace relay::linkemu {

// From the first namespace to the second, and back.
using Directions = std::array<Direction, 2>;

// Carries out one line, and returns the answer, one line too: "ok", "error: …", or JSON for "show".
//
//     delay MS [ab|ba]     jitter MS [ab|ba]    rate MBIT_S [ab|ba]   queue MS [ab|ba]
//     loss PART [ab|ba]    cut [ab|ba]          heal [ab|ba]          show
//
// Without ab (from the first to the second) or ba, it is for both directions.
std::string obey(std::string_view line, Directions& directions);

}  // namespace relay::linkemu
