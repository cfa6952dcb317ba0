#include "common/control/rfc3339.h"

#include <doctest/doctest.h>

using namespace relay;

TEST_CASE("a time is written in UTC with milliseconds") {
    CHECK(rfc3339_text(0) == "1970-01-01T00:00:00.000Z");
    CHECK(rfc3339_text(951'782'400'007) == "2000-02-29T00:00:00.007Z");
    CHECK(rfc3339_text(1'795'239'470'123) == "2026-11-21T05:37:50.123Z");
}

TEST_CASE("a time that no four digits can name is shown as the nearest that they can") {
    CHECK(rfc3339_text(-1) == "1970-01-01T00:00:00.000Z");
    CHECK(rfc3339_text(INT64_MAX) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("what was written is read back") {
    for (std::int64_t ms = 0; ms < 253'402'300'800'000; ms += 12'345'678'901) {
        REQUIRE(rfc3339_ms(rfc3339_text(ms)) == ms);
    }
}

TEST_CASE("what is no such time is refused") {
    for (const char* text :
         {"", "now", "2026-11-21", "2026-11-21T05:37:50Z", "2026-02-30T00:00:00.000Z",
          "2026-11-21T24:00:00.000Z", "2026-11-21T05:60:00.000Z", "2026-11-21T05:37:60.000Z",
          "2026-11-21T05:37:50.123+", "2026-11-21T05:37:50.123Z ", "+026-11-21T05:37:50.123Z"}) {
        CAPTURE(text);
        CHECK(!rfc3339_ms(text));
    }
}
