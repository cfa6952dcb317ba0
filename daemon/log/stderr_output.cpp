#include "daemon/log/stderr_output.h"

#include <fmt/chrono.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

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

StderrOutput::StderrOutput() {
    struct stat status {};
    is_file_ = fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

std::string StderrOutput::shaped(const LogRecord& record) const {
    std::timespec now{};
    std::timespec_get(&now, TIME_UTC);
    std::tm local_time{};
    localtime_r(&now.tv_sec, &local_time);
    return text_line(record, local_time, static_cast<int>(now.tv_nsec / 1000000));
}

bool StderrOutput::put_now(std::string_view line) {
    if (is_file_) put(line);
    return is_file_;
}

// A line in one write, so that lines of several processes do not mix.
void StderrOutput::put(std::string_view line) {
    while (!line.empty()) {
        const auto written = ::write(STDERR_FILENO, line.data(), line.size());
        if (written >= 0) {
            line.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {  // Another holder of stderr does not want to wait.
            pollfd writable{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
            (void)::poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            return;  // Nobody is left to tell.
        }
    }
}

}  // namespace relay
