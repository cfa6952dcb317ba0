// What carries a session to an endpoint that is written as wss:// or ws://.
#pragma once

#include <string_view>

#include "common/base/result.h"

namespace relay {

enum class CarrierChoice {
    Auto,  // Whatever gets through: that, directly or by a proxy, or else plain GET and POST.
    Wss,   // What is written alone.
    Poll,  // Plain GET and POST alone.
};

// "auto", "wss", "poll".
Result<CarrierChoice> parse_carrier_choice(std::string_view text);
std::string_view name_of(CarrierChoice choice);

}  // namespace relay
