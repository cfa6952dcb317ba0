#include "common/settings/carrier_choice.h"

#include "common/base/check.h"

namespace relay {

Result<CarrierChoice> parse_carrier_choice(std::string_view text) {
    if (text == "auto") return CarrierChoice::Auto;
    if (text == "wss") return CarrierChoice::Wss;
    if (text == "poll") return CarrierChoice::Poll;
    return Error{ErrorCode::Malformed, "allowed are auto, wss and poll"};
}

std::string_view name_of(CarrierChoice choice) {
    switch (choice) {
        case CarrierChoice::Auto: return "auto";
        case CarrierChoice::Wss: return "wss";
        case CarrierChoice::Poll: return "poll";
    }
    unreachable();
}

}  // namespace relay
