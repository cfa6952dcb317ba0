#include "daemon/log/stderr_output.h"

#include <doctest/doctest.h>

namespace relay {

TEST_CASE("a text line has the local time, the level, the message and the fields there are") {
    std::tm time{};
    time.tm_year = 126;
    time.tm_mon = 4;
    time.tm_mday = 4;
    time.tm_hour = 10;
    time.tm_min = 11;
    time.tm_sec = 12;
    const LogRecord record{.level = LogLevel::Warning,
                           .fields = {.home = "work-pc", .peer = "[2001:db8::1]:5000"},
                           .message = "home lost, keeping its streams for 30 s"};
    CHECK(text_line(record, time, 45) ==
          "2026-05-04 10:11:12.045 warning home lost, keeping its streams for 30 s "
          "home=work-pc peer=[2001:db8::1]:5000\n");
}

}  // namespace relay
