#include "daemon/log/log.h"

#include <array>

#include "daemon/log/printable.h"

namespace relay {

namespace {

constexpr std::array<std::pair<LogLevel, std::string_view>, 4> level_names{{
    {LogLevel::Debug, "debug"},
    {LogLevel::Info, "info"},
    {LogLevel::Warning, "warning"},
    {LogLevel::Error, "error"},
}};

LogValue bounded(const LogValue& value) {
    return printable(value.text(), max_log_field_bytes);
}

}  // namespace

std::string_view name_of(LogLevel level) {
    for (const auto& [known, name] : level_names) {
        if (known == level) return name;
    }
    return "unknown";
}

std::optional<LogLevel> log_level_from(std::string_view name) {
    for (const auto& [level, known] : level_names) {
        if (known == name) return level;
    }
    return std::nullopt;
}

void Log::say(LogLevel level, const LogFields& fields, fmt::string_view format,
              fmt::format_args args) {
    if (!wants(level)) return;
    sink_.write({.level = level,
                 .fields = {.home = bounded(fields.home),
                            .session = bounded(fields.session),
                            .forward = bounded(fields.forward),
                            .peer = bounded(fields.peer),
                            .message_id = fields.message_id},
                 .message = printable(fmt::vformat(format, args), max_log_message_bytes)});
}

}  // namespace relay
