// Makes text from outside safe to show on a terminal and to keep as one line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace relay {

// Control characters (C0, DEL, C1), line and direction marks of Unicode, and bytes that are not
// UTF-8 become \xNN; all else stays as it is. The result is at most `limit` bytes; what was cut
// off shows as "...". `limit` is 3 or more.
std::string printable(std::string_view text, std::size_t limit);

}  // namespace relay
