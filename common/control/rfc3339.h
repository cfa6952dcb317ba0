// Points in time as text: RFC 3339 section 5.6, in UTC, with milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace relay {

// 2026-11-21T05:37:50.123Z. What lies outside the years 1970 to 9999 is shown as their first or
// last instant.
std::string rfc3339_text(std::int64_t unix_ms);

// Reads exactly what rfc3339_text writes.
std::optional<std::int64_t> rfc3339_ms(std::string_view text);

}  // namespace relay
