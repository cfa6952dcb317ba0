#include "daemon/log/stderr_sink.h"

#include <fmt/chrono.h>
#include <unistd.h>

namespace relay {

namespace {

void append_field(std::string& line, std::string_view name, const LogValue& value) {
    if (!value.text().empty()) line += fmt::format(" {}={}", name, value.text());
}

}  // namespace

std::string text_line(const LogRecord& record, const std::tm& local_time, int milliseconds) {
    std::string line = fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03} {} {}", local_time, milliseconds,
                                   name_of(record.level), record.message);
    append_field(line, "home", record.fields.home);
    append_field(line, "session", record.fields.session);
    append_field(line, "forward", record.fields.forward);
    append_field(line, "peer", record.fields.peer);
    line += '\n';
    return line;
}

void StderrSink::write(const LogRecord& record) {
    std::timespec now{};
    std::timespec_get(&now, TIME_UTC);
    std::tm local_time{};
    localtime_r(&now.tv_sec, &local_time);
    const std::string line = text_line(record, local_time, static_cast<int>(now.tv_nsec / 1000000));
    // One write per line, so that lines of several processes do not mix. Nobody is left to tell
    // when it fails.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace relay
