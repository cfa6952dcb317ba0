#include "daemon/roles/last_refusals.h"

#include <doctest/doctest.h>

using namespace relay;
using namespace std::chrono_literals;

namespace {

LastRefusal refusal_of(const std::string& home, TimePoint at, const std::string& why = "unknown") {
    return {.home = home, .address = "192.0.2.1:5", .why = why, .advice = "", .at = at};
}

}  // namespace

TEST_CASE("the last refusal of a name is remembered for a while") {
    const TimePoint start{1h};
    LastRefusals refusals;
    refusals.add(refusal_of("work-pc", start, "first"));
    refusals.add(refusal_of("work-pc", start + 1min, "second"));
    REQUIRE(refusals.of("work-pc", start + 2min));
    CHECK(refusals.of("work-pc", start + 2min)->why == "second");
    CHECK(!refusals.of("lab", start + 2min));
    CHECK(!refusals.of("work-pc", start + 1min + LastRefusals::memory + 1s));
}

TEST_CASE("strangers with many names push out the oldest, and take no more room") {
    const TimePoint start{1h};
    LastRefusals refusals;
    for (std::size_t i = 0; i <= LastRefusals::refusals_most; ++i) {
        refusals.add(refusal_of("home" + std::to_string(i), start));
    }
    CHECK(!refusals.of("home0", start));
    CHECK(refusals.of("home1", start));
}
