#include "daemon/log/log.h"

#include "daemon/log/printable.h"

namespace relay {

namespace {

LogValue bounded(const LogValue& value) {
    return printable(value.text(), max_log_field_bytes);
}

}  // namespace

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
