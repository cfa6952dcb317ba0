// Knocks at ports, one after another, as knock(1) does.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/settings/gate.h"

namespace relay {

struct Knocking {
    std::string host;  // A name or an address.
    std::vector<KnockStep> sequence;
    Duration pause{};  // Between two of them: on their way they must not overtake each other.
};

// Nobody answers a knock: that all were sent is all there is to know. Returns the address.
Result<std::string> knock_sequence(const Knocking& knocking);

}  // namespace relay
