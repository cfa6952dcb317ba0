#include <doctest/doctest.h>

#include "ctl/doctor/report.h"

using namespace relay;

namespace {

CheckSnapshot check(const char* hop, const char* state, const char* subject, const char* text,
                    const char* advice = "") {
    return {.hop = hop, .state = state, .subject = subject, .text = text, .advice = advice};
}

}  // namespace

TEST_CASE("a report has a line for each check, grouped by subject, and advice below") {
    auto tcp = check("tcp", "ok", "wss://vps:443", "takes connections");
    tcp.ms = 12;
    const std::vector checks{
        check("settings", "ok", "", "/etc/relayd/relayd.yaml"), tcp,
        check("proxy", "broken", "wss://vps:443", "answered 407", "give it user and password"),
        check("tls", "skipped", "wss://vps:443", "not tried")};
    CHECK(report_text(checks, Colour::Off) ==
          "  ok       settings    /etc/relayd/relayd.yaml\n"
          "wss://vps:443\n"
          "  ok       tcp         takes connections, 12 ms\n"
          "  broken   proxy       answered 407\n"
          "                       → give it user and password\n"
          "  skipped  tls         not tried\n"
          "\n"
          "broken: proxy (wss://vps:443)\n");
}

TEST_CASE("a report without anything broken says so, and counts what is worth a look") {
    CHECK(report_text({check("dns", "ok", "", "fine")}, Colour::Off).ends_with("\nall is well\n"));
    const std::vector checks{check("gate", "warning", "0.0.0.0:22", "open", "close it")};
    CHECK(report_text(checks, Colour::Off).ends_with("\nall is well, 1 worth a look\n"));
}

TEST_CASE("a report passes no control character on to the terminal") {
    const std::vector checks{check("target", "broken", "a\x1b[31m", "b\x1b[31m", "c\x1b[31m")};
    CHECK(report_text(checks, Colour::Off).find('\x1b') == std::string::npos);
}
