// When something is allowed: hours of the week, in the local time of the relay.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace relay {

// A minute of the week, as a clock on the wall shows it.
struct WallTime {
    unsigned day = 0;     // 0: Monday, 6: Sunday.
    unsigned minute = 0;  // Of the day, 0 to 1439.
};

// From `first` to before `last`, on each of the days. If `last` is not later than `first`, it is
// one of the day after.
struct Hours {
    std::uint8_t days = 0x7f;  // Bit 0: Monday.
    unsigned first = 0;        // Minutes of the day.
    unsigned last = 24 * 60;

    bool operator==(const Hours&) const = default;
};

// "Mo-Fr 08:00-18:00", "Sa,Su 10:00-16:00", "22:00-06:00" (of every day), "Mo" (all day).
Result<Hours> parse_hours(std::string_view text);
// The form that parse_hours() reads back.
std::string to_text(const Hours& hours);

// Without any hours: always.
bool is_within(const std::vector<Hours>& hours, WallTime time);

}  // namespace relay
