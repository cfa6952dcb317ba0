#include "ctl/measuring/round_trips.h"

#include <doctest/doctest.h>

namespace relay {

TEST_CASE("of round trips the shortest, the mean, the end and the longest are known") {
    RoundTrips round_trips;
    for (int ms = 100; ms >= 1; --ms) round_trips.answered(ms);
    CHECK(round_trips.least_ms() == 1);
    CHECK(round_trips.average_ms() == doctest::Approx(50.5));
    CHECK(round_trips.percentile_ms(99) == 99);
    CHECK(round_trips.percentile_ms(100) == 100);
    CHECK(round_trips.percentile_ms(0) == 1);
    CHECK(round_trips.most_ms() == 100);
}

TEST_CASE("what is lost counts as sent, and has no time") {
    RoundTrips round_trips;
    CHECK(round_trips.text() == "0 sent, 0 answered, 0 % lost\n");
    round_trips.lost();
    CHECK(round_trips.text() == "1 sent, 0 answered, 100 % lost\n");
    CHECK(round_trips.json() == R"({"sent":1,"answered":0,"lost":1})");
    for (int i = 0; i < 3; ++i) round_trips.answered(1.5);
    CHECK(round_trips.text() ==
          "4 sent, 3 answered, 25 % lost\n"
          "min 1.50 ms, avg 1.50 ms, p99 1.50 ms, max 1.50 ms\n");
    CHECK(round_trips.json() ==
          R"({"sent":4,"answered":3,"lost":1,"min_ms":1.500,"avg_ms":1.500,"p99_ms":1.500,)"
          R"("max_ms":1.500})");
}

TEST_CASE("of very many only the latest are sorted") {
    RoundTrips round_trips;
    for (std::size_t i = 0; i < RoundTrips::kept_most; ++i) round_trips.answered(9);
    for (std::size_t i = 0; i < RoundTrips::kept_most; ++i) round_trips.answered(1);
    CHECK(round_trips.percentile_ms(99) == 1);
    CHECK(round_trips.most_ms() == 9);
    CHECK(round_trips.sent() == 2 * RoundTrips::kept_most);
}

}  // namespace relay
