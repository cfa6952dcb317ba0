// Numbers as people read and write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace relay {

std::string bytes_text(std::uint64_t bytes);                   // 999 B, 1.2 MB; powers of 1000
std::string age_text(double seconds);                          // 7 s, 3 min, 2 h 5 min, 3 d 4 h
std::string latency_text(std::optional<double> milliseconds);  // 0.4 ms, 12 ms, 1.2 s; - if none
std::string local_time_text(std::int64_t unix_ms);             // 2026-11-21 06:37:50, where we are

// Text from elsewhere, made safe for a terminal: control characters are shown as \xNN. Line feeds
// stay.
std::string printable(std::string_view text);

}  // namespace relay
