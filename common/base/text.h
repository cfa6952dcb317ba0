// Words, numbers, sizes and durations as operators write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace relay {

// Without the spaces, tabs and ends of line around it. Borrowed.
std::string_view trim(std::string_view text);

// All the parts between separators, empty ones too: "a,,b" has three. Borrowed.
std::vector<std::string_view> split(std::string_view text, char separator);

// ASCII only.
std::string to_lower(std::string_view text);

// Decimal digits and nothing else; at most `most`.
Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t most);

// 512, 512B, 64KiB, 1MiB, 2GiB, 1TiB.
Result<std::uint64_t> parse_size(std::string_view text);

// 500ms, 30s, 10m, 2h, 1d, and sums of them from large to small: 1h30m. 0 needs no unit, all else
// does. At most 10 years.
Result<Duration> parse_duration(std::string_view text);

// The form that parse_duration() reads back, down to whole milliseconds: "1h30m", "1s500ms", "0s".
std::string duration_text(Duration duration);

// How many letters must be changed, added or removed to make one word of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The known word that a mistyped one was probably meant to be; empty if none is near.
std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace relay
