#include "common/settings/hours.h"

#include <algorithm>
#include <array>
#include <optional>

#include "common/base/text.h"

namespace relay {

namespace {

constexpr std::array<std::string_view, 7> day_names{"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"};
constexpr unsigned days_per_week = 7;
constexpr unsigned minutes_per_day = 24 * 60;
constexpr std::uint8_t every_day = 0x7f;

Error wrong(std::string_view text) {
    return Error{ErrorCode::Malformed, "'" + std::string{text} +
                                           "' are no hours: write \"Mo-Fr 08:00-18:00\", days as "
                                           "Mo Tu We Th Fr Sa Su"};
}

std::optional<unsigned> day_of(std::string_view text) {
    for (unsigned day = 0; day < days_per_week; ++day) {
        if (to_lower(text) == to_lower(day_names[day])) return day;
    }
    return std::nullopt;
}

std::optional<std::uint8_t> days_of(std::string_view text) {
    unsigned days = 0;
    for (const std::string_view part : split(text, ',')) {
        const auto ends = split(part, '-');
        if (ends.size() > 2) return std::nullopt;
        const auto first = day_of(ends.front());
        const auto last = day_of(ends.back());
        if (!first || !last) return std::nullopt;
        for (unsigned day = *first;; day = (day + 1) % days_per_week) {
            days |= 1U << day;
            if (day == *last) break;
        }
    }
    return static_cast<std::uint8_t>(days);
}

std::optional<unsigned> minute_of(std::string_view text) {
    const auto parts = split(text, ':');
    if (parts.size() != 2 || parts[0].size() != 2 || parts[1].size() != 2) return std::nullopt;
    const auto hour = parse_number(parts[0], 24);
    const auto minute = parse_number(parts[1], 59);
    if (!hour || !minute) return std::nullopt;
    const auto total = static_cast<unsigned>(*hour * 60 + *minute);
    return total > minutes_per_day ? std::nullopt : std::optional{total};
}

std::string clock_text(unsigned minute) {
    const auto two = [](unsigned number) {
        return (number < 10 ? "0" : "") + std::to_string(number);
    };
    return two(minute / 60) + ":" + two(minute % 60);
}

std::string days_text(std::uint8_t days) {
    std::string text;
    for (unsigned day = 0; day < days_per_week; ++day) {
        if ((days & 1U << day) == 0) continue;
        unsigned last = day;
        while (last + 1 < days_per_week && (days & 1U << (last + 1)) != 0) ++last;
        text += (text.empty() ? "" : ",") + std::string{day_names[day]};
        if (last > day) text += "-" + std::string{day_names[last]};
        day = last;
    }
    return text;
}

bool is_open(const Hours& hours, WallTime time) {
    const auto has = [&](unsigned day) { return (hours.days & 1U << day) != 0; };
    const unsigned yesterday = (time.day + days_per_week - 1) % days_per_week;
    const bool is_long = hours.last <= hours.first;
    if (has(time.day) && time.minute >= hours.first && (is_long || time.minute < hours.last)) {
        return true;
    }
    return is_long && has(yesterday) && time.minute < hours.last;
}

}  // namespace

Result<Hours> parse_hours(std::string_view text) {
    Hours hours;
    std::string_view rest = trim(text);
    if (rest.empty()) return wrong(text);
    if (day_of(rest.substr(0, 2))) {
        const auto space = rest.find(' ');
        const auto days = days_of(rest.substr(0, space));
        if (!days) return wrong(text);
        hours.days = *days;
        if (space == std::string_view::npos) return hours;
        rest = trim(rest.substr(space));
    }
    const auto times = split(rest, '-');
    if (times.size() != 2) return wrong(text);
    const auto first = minute_of(trim(times[0]));
    const auto last = minute_of(trim(times[1]));
    if (!first || !last || *first == minutes_per_day) return wrong(text);
    hours.first = *first;
    hours.last = *last;
    return hours;
}

std::string to_text(const Hours& hours) {
    const std::string days = hours.days == every_day ? "" : days_text(hours.days) + " ";
    return days + clock_text(hours.first) + "-" + clock_text(hours.last);
}

bool is_within(const std::vector<Hours>& hours, WallTime time) {
    return hours.empty() || std::any_of(hours.begin(), hours.end(),
                                        [&](const Hours& some) { return is_open(some, time); });
}

}  // namespace relay
