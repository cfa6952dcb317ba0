#include "common/control/rfc3339.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace relay {
namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t last_ms = 253'402'300'799'999;  // The end of the year 9999.
constexpr std::string_view shape = "0000-00-00T00:00:00.000Z";

void put(std::string& text, std::size_t at, std::size_t digits, std::int64_t value) {
    for (; digits > 0; --digits, value /= 10) {
        text[at + digits - 1] = static_cast<char>('0' + value % 10);
    }
}

unsigned take(std::string_view text, std::size_t at, std::size_t digits) {
    unsigned value = 0;
    std::from_chars(text.data() + at, text.data() + at + digits, value);
    return value;
}

bool has_shape(std::string_view text) {
    const auto fits = [](char c, char wanted) {
        return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
    };
    return std::equal(text.begin(), text.end(), shape.begin(), shape.end(), fits);
}

}  // namespace

std::string rfc3339_text(std::int64_t unix_ms) {
    using namespace std::chrono;
    unix_ms = std::clamp(unix_ms, std::int64_t{0}, last_ms);
    const year_month_day date{sys_days{days{unix_ms / day_ms}}};
    const auto in_day = unix_ms % day_ms;
    std::string text{shape};
    put(text, 0, 4, static_cast<int>(date.year()));
    put(text, 5, 2, static_cast<unsigned>(date.month()));
    put(text, 8, 2, static_cast<unsigned>(date.day()));
    put(text, 11, 2, in_day / 3'600'000);
    put(text, 14, 2, in_day / 60'000 % 60);
    put(text, 17, 2, in_day / 1000 % 60);
    put(text, 20, 3, in_day % 1000);
    return text;
}

std::optional<std::int64_t> rfc3339_ms(std::string_view text) {
    using namespace std::chrono;
    if (!has_shape(text)) return {};
    const year_month_day date{year{static_cast<int>(take(text, 0, 4))}, month{take(text, 5, 2)},
                              day{take(text, 8, 2)}};
    const auto hour = take(text, 11, 2), minute = take(text, 14, 2), second = take(text, 17, 2);
    if (!date.ok() || hour > 23 || minute > 59 || second > 59) return {};
    const std::int64_t seconds = hour * 3600 + minute * 60 + second;
    return sys_days{date}.time_since_epoch().count() * day_ms + seconds * 1000 + take(text, 20, 3);
}

}  // namespace relay
