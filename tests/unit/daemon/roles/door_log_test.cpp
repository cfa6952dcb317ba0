#include "daemon/roles/door_log.h"

#include <doctest/doctest.h>

using namespace relay;

TEST_CASE("of 10,000 strangers in a minute five have a line, and the rest are counted") {
    StrangerTally tally;
    int lines = 0;
    for (int i = 0; i < 10000; ++i) {
        lines += tally.add(i % 4 == 0 ? "192.0.2.1:99" : "[2001:db8::1]:99",
                           i % 2 == 0 ? "it was silent" : "it was rude");
    }
    CHECK(lines == 5);
    const auto summary = tally.take_summary();
    REQUIRE(summary);
    CHECK(*summary ==
          "9995 more in the last minute: 4998 because it was rude, 4997 because it was silent; "
          "7497 of them from [2001:db8::1]");
    CHECK(!tally.take_summary());
    CHECK(tally.add("192.0.2.1:99", "it was silent"));
}

TEST_CASE("strangers of a million addresses take no more memory than a few hundred") {
    StrangerTally tally;
    for (int i = 0; i < 1000000; ++i) (void)tally.add(std::to_string(i) + ":1", "it was silent");
    CHECK(tally.take_summary());
}

TEST_CASE("a failure that repeats has three lines a minute, and each new one has its own") {
    FailureTally tally;
    int lines = 0;
    for (int i = 0; i < 1000; ++i) lines += tally.add("it was slow");
    CHECK(lines == 3);
    CHECK(tally.add("it crashed"));
    CHECK(tally.take_untold() == 997);
    CHECK(tally.take_untold() == 0);
    CHECK(tally.add("it was slow"));
}

TEST_CASE("failures that are told differently each time have few lines, too") {
    FailureTally tally;
    std::size_t lines = 0;
    for (int i = 0; i < 1000; ++i) lines += tally.add(std::to_string(i)) ? 1 : 0;
    CHECK(lines == FailureTally::texts_most);
    CHECK(tally.take_untold() == 1000 - lines);
}
