#include "ctl/doctor/settings_check.h"

#include <fmt/format.h>

namespace relay {
namespace {

std::string what_it_is(const Settings& settings) {
    if (settings.home) return fmt::format("the home {}", settings.home->name);
    return fmt::format("a relay with {} homes", settings.relay->homes.size());
}

std::string without_program(std::string text) {
    constexpr std::string_view program = "relayd: ";
    return text.starts_with(program) ? text.substr(program.size()) : text;
}

std::string advice_for(const std::string& line) {
    if (line.find("Permission denied") != line.npos) return "ask as root: sudo relayctl doctor";
    if (line.find("No such file") != line.npos) {
        return "make it: a home by relayd join, a relay by relayd.yaml(5); or name it: --config "
               "FILE";
    }
    return "correct it, then: relayctl reload (or systemctl start relayd)";
}

}  // namespace

std::optional<Configuration> check_settings(Checklist& checks, const std::string& path) {
    Options options;
    options.common.config = path;
    options.command = RunConfigured{};
    const auto configured = configure(options);
    if (configured) {
        checks.ok("settings",
                  fmt::format("{}: {}", configured->path, what_it_is(configured->settings)));
        return *configured;
    }
    const auto& lines = configured.error().lines;
    for (const auto& line : lines) {
        checks.broken("settings", without_program(line), advice_for(line));
    }
    return std::nullopt;
}

}  // namespace relay
