#include "daemon/forwards/rate_limit.h"

#include <doctest/doctest.h>

using namespace relay;

TEST_CASE("whoever asks again and again gets no crumbs") {
    Loop loop;
    RateLimit limit{loop};
    limit.set(50'000'000);  // Some bytes each time that is asked.
    RateLimit::Turn turn{&limit, [] {}};
    for (int asked = 0; asked < 100'000; ++asked) {
        const std::size_t most = turn.ask();
        if (most == 0) break;
        REQUIRE(most >= ByteBucket::turn_least);
        turn.used(most);
    }
}

TEST_CASE("who takes less than his turn has the rest another time") {
    Loop loop;
    RateLimit limit{loop};
    limit.set(1'000'000);
    RateLimit::Turn turn{&limit, [] {}};
    REQUIRE(turn.ask() > 1);
    turn.used(1);
    CHECK(turn.ask() > 1);
    CHECK_FALSE(turn.waits());
}
