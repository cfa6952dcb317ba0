// Names the programs that hold ports which forwards want.
#pragma once

#include <vector>

#include "common/control/snapshot.h"

namespace relay {

// Adds to each broken "listener" who holds its address, as far as the caller may see that.
void name_holders(std::vector<CheckSnapshot>& checks);

}  // namespace relay
