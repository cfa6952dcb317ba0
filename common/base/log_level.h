// How much a line of the log matters.
#pragma once

#include <optional>
#include <string_view>

namespace relay {

enum class LogLevel { Debug, Info, Warning, Error };

constexpr std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::Debug: return "debug";
        case LogLevel::Info: return "info";
        case LogLevel::Warning: return "warning";
        case LogLevel::Error: return "error";
    }
    return "";
}

constexpr std::optional<LogLevel> log_level_from(std::string_view name) {
    for (const auto level : {LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error}) {
        if (name == name_of(level)) return level;
    }
    return std::nullopt;
}

}  // namespace relay
