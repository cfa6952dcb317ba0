// Numbers of the control protocol (docs/CONTROL.md).
#pragma once

#include <cstddef>

namespace relay {

inline constexpr unsigned control_version = 1;

// A line, without its line feed.
inline constexpr std::size_t max_request_bytes = std::size_t{64} << 10;
inline constexpr std::size_t max_reply_bytes = std::size_t{16} << 20;
// How deep objects and lists may lie in one another.
inline constexpr std::size_t max_json_depth = 16;
// Entries of one list in a reply; what is beyond is counted in "left_off".
inline constexpr std::size_t max_listed = 20'000;

}  // namespace relay
