#include <doctest/doctest.h>

#include "ctl/output/table.h"
#include "ctl/output/units.h"

using namespace relay;

TEST_CASE("bytes have the unit that leaves one to three digits") {
    CHECK(bytes_text(0) == "0 B");
    CHECK(bytes_text(999) == "999 B");
    CHECK(bytes_text(1000) == "1.0 kB");
    CHECK(bytes_text(9'949) == "9.9 kB");
    CHECK(bytes_text(9'950) == "10 kB");
    CHECK(bytes_text(999'499) == "999 kB");
    CHECK(bytes_text(999'500) == "1.0 MB");
    CHECK(bytes_text(UINT64_MAX) == "18 EB");
}

TEST_CASE("ages have at most two units") {
    CHECK(age_text(-1) == "0 s");
    CHECK(age_text(59.9) == "59 s");
    CHECK(age_text(119) == "1 min");
    CHECK(age_text(7200) == "2 h");
    CHECK(age_text(7500) == "2 h 5 min");
    CHECK(age_text(90'061) == "1 d 1 h");
    CHECK(age_text(1e300) == "11574074 d 1 h");
}

TEST_CASE("latencies are as exact as they are short") {
    CHECK(latency_text({}) == "-");
    CHECK(latency_text(0.04) == "0.0 ms");
    CHECK(latency_text(9.94) == "9.9 ms");
    CHECK(latency_text(12.4) == "12 ms");
    CHECK(latency_text(1234) == "1.2 s");
}

TEST_CASE("control characters are shown, not sent") {
    CHECK(printable("a\x1b[31m\r\n\x7f é") == "a\\x1b[31m\\x0d\n\\x7f é");
    CHECK(printable("\xC2\x9B"
                    "31m \xC2") == "\\x9b31m \xC2");
}

TEST_CASE("columns are as wide as their widest cell, and no line ends in spaces") {
    Table table{{{"NAME"}, {"N", Align::Right}, {"LAST"}}};
    table.add({"é", "12345", "x\nlonger"});
    table.add({"", "1", ""});
    CHECK(table.text(Colour::Off) ==
          "NAME      N  LAST\n"
          "é     12345  x\n"
          "             longer\n"
          "-         1  -\n");
}

TEST_CASE("colour goes around a text and not around its padding") {
    Table table{{{"A"}, {"B"}}};
    table.add({Cell{"ok", Tone::Good}, Cell{"no", Tone::Bad}});
    CHECK(table.text(Colour::On) ==
          "\x1b[2mA\x1b[0m   \x1b[2mB\x1b[0m\n"
          "\x1b[32mok\x1b[0m  \x1b[31mno\x1b[0m\n");
}
