// Which lists of the control protocol are of text, by their names. JSON does not tell of an empty
// one, and D-Bus wants to know.
#pragma once

#include <string_view>

namespace relay {

bool is_text_list(std::string_view name);

}  // namespace relay
