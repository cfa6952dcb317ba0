#include "common/base/text.h"

#include <algorithm>
#include <charconv>

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t longest_compared_word = 64;
constexpr Duration longest_duration = 24h * 3650;

struct DurationUnit {
    std::string_view name;
    Duration length;
};

// From large to small. "ms" is told from "m" by its length: see unit_of().
constexpr DurationUnit duration_units[] = {
    {"d", 24h}, {"h", 1h}, {"m", 1min}, {"s", 1s}, {"ms", 1ms},
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

Error bad_duration(std::string_view text) {
    return {ErrorCode::Malformed, "'" + std::string{text} +
                                      "' is not a duration: write a number and a unit (ms, s, m, "
                                      "h, d), such as 500ms, 30s or 1h30m"};
}

Error bad_size(std::string_view text) {
    return {ErrorCode::Malformed,
            "'" + std::string{text} +
                "' is not a size: write a number and B, KiB, MiB, GiB or TiB, such as 64KiB"};
}

const DurationUnit* unit_of(std::string_view name) {
    for (const auto& unit : duration_units) {
        if (unit.name == name) return &unit;
    }
    return nullptr;
}

// The leading characters for which `belongs` holds leave the front of `text`.
template <typename Belongs>
std::string_view take_while(std::string_view& text, Belongs belongs) {
    const auto end = std::find_if_not(text.begin(), text.end(), belongs);
    const auto taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(taken.size());
    return taken;
}

}  // namespace

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string to_lower(std::string_view text) {
    std::string lower{text};
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_whole = end == text.data() + text.size() && !text.empty() && is_digit(text[0]);
    if (!is_whole) {
        return Error{ErrorCode::Malformed, "'" + std::string{text} + "' is not a whole number"};
    }
    if (error == std::errc::result_out_of_range || value > most) {
        return Error{ErrorCode::TooLarge,
                     std::string{text} + " is too large: at most " + std::to_string(most)};
    }
    return value;
}

Result<std::uint64_t> parse_size(std::string_view text) {
    std::string_view unit = text;
    const auto number = parse_number(take_while(unit, is_digit), UINT64_MAX);
    if (!number) return bad_size(text);
    static constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned shift = 0;
    if (!unit.empty()) {
        const auto found = std::find(std::begin(units), std::end(units), unit);
        if (found == std::end(units)) return bad_size(text);
        shift = 10 * static_cast<unsigned>(found - std::begin(units));
    }
    if (*number > (UINT64_MAX >> shift)) {
        return Error{ErrorCode::TooLarge, std::string{text} + " is too large"};
    }
    return *number << shift;
}

Result<Duration> parse_duration(std::string_view text) {
    if (text == "0") return Duration{};
    Duration sum{};
    auto above = Duration::max();
    std::string_view rest = text;
    do {
        const auto number = parse_number(take_while(rest, is_digit), INT64_MAX);
        const auto* unit = unit_of(take_while(rest, [](char c) { return !is_digit(c); }));
        if (!number || unit == nullptr || unit->length >= above) return bad_duration(text);
        above = unit->length;
        const auto most = static_cast<std::uint64_t>((longest_duration - sum) / unit->length);
        if (*number > most) {
            return Error{ErrorCode::TooLarge, std::string{text} + " is too long: at most 3650d"};
        }
        sum += unit->length * static_cast<Duration::rep>(*number);
    } while (!rest.empty());
    return sum;
}

std::string duration_text(Duration duration) {
    std::string text;
    for (const auto& unit : duration_units) {
        const auto count = duration / unit.length;
        if (count <= 0) continue;
        text += std::to_string(count);
        text += unit.name;
        duration -= unit.length * count;
    }
    return text.empty() ? "0s" : text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    // One row of the matrix of Wagner and Fischer at a time.
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row[b.size()];
}

std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& known) {
    if (word.size() > longest_compared_word) return {};
    std::string_view nearest;
    // As far or farther is another word.
    std::size_t least = word.size() < 4 ? 2 : std::max<std::size_t>(3, word.size() / 3 + 1);
    for (const auto candidate : known) {
        const auto distance = edit_distance(word, candidate);
        if (distance >= least || distance >= candidate.size()) continue;
        least = distance;
        nearest = candidate;
    }
    return nearest;
}

}  // namespace relay
