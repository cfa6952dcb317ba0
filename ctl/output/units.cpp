#include "ctl/output/units.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace relay {
namespace {

std::string two_units(std::uint64_t large, const char* large_unit, std::uint64_t small,
                      const char* small_unit) {
    if (small == 0) return fmt::format("{} {}", large, large_unit);
    return fmt::format("{} {} {} {}", large, large_unit, small, small_unit);
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array units{"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    // 999.5 and above would be shown as 1000.
    for (; value >= 999.5 && unit + 1 < units.size(); ++unit) value /= 1000;
    return value < 9.95 ? fmt::format("{:.1f} {}", value, units[unit])
                        : fmt::format("{:.0f} {}", value, units[unit]);
}

std::string age_text(double seconds) {
    constexpr double longest = 1e12;
    if (!(seconds > 0)) return "0 s";
    const auto whole = static_cast<std::uint64_t>(std::min(seconds, longest));
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3600) return fmt::format("{} min", whole / 60);
    if (whole < 86'400) return two_units(whole / 3600, "h", whole / 60 % 60, "min");
    return two_units(whole / 86'400, "d", whole / 3600 % 24, "h");
}

std::string latency_text(std::optional<double> milliseconds) {
    if (!milliseconds) return "-";
    if (*milliseconds < 9.95) return fmt::format("{:.1f} ms", *milliseconds);
    if (*milliseconds < 999.5) return fmt::format("{:.0f} ms", *milliseconds);
    return fmt::format("{:.1f} s", *milliseconds / 1000);
}

std::string local_time_text(std::int64_t unix_ms) {
    const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
    std::tm local{};
    if (localtime_r(&seconds, &local) == nullptr) return "?";
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

std::string printable(std::string_view text) {
    std::string safe;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // The same once more, in UTF-8.
            safe += fmt::format("\\x{:02x}", next);
            ++i;
        } else if ((byte < 0x20 && byte != '\n') || byte == 0x7F) {
            safe += fmt::format("\\x{:02x}", byte);
        } else {
            safe += text[i];
        }
    }
    return safe;
}

}  // namespace relay
