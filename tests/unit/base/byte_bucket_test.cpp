#include "common/base/byte_bucket.h"

#include <doctest/doctest.h>

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{100s};
constexpr std::uint64_t mib = 1 << 20;

}  // namespace

TEST_CASE("over a long time no more bytes pass than the rate, and hardly less") {
    for (const std::uint64_t rate : {std::uint64_t{1024}, 100 * mib, std::uint64_t{1} << 40}) {
        CAPTURE(rate);
        ByteBucket bucket{rate, start};
        bucket.take(bucket.available(start));
        std::uint64_t passed = 0;
        for (auto time = start; time <= start + 100s; time += 10ms) {
            const auto available = bucket.available(time);
            bucket.take(available);
            passed += available;
        }
        CHECK(passed <= 100 * rate);
        CHECK(passed >= 99 * rate);
    }
}

TEST_CASE("whoever was idle may be faster for a quarter of a second, and no longer") {
    ByteBucket bucket{mib, start};
    CHECK(bucket.available(start) == mib / 4);
    CHECK(bucket.available(start + 1h) == mib / 4);
    bucket.take(mib / 4);
    CHECK(bucket.available(start + 1h) == 0);
    CHECK(bucket.available(start + 1h + 100ms) == doctest::Approx(mib / 10).epsilon(0.01));
}

TEST_CASE("when bytes will be there is told, and they are") {
    ByteBucket bucket{10 * mib, start};
    bucket.take(bucket.available(start));
    const auto when = bucket.when(bucket.turn());
    CHECK(when > start);
    CHECK(when <= start + 20ms);
    CHECK(bucket.available(when) >= bucket.turn());
    // What was taken too much is waited for.
    bucket.take(mib);
    CHECK(bucket.available(when + 50ms) == 0);
    CHECK(bucket.when(1) > when + 50ms);
}

TEST_CASE("a turn is short, and a full bucket has some of them") {
    for (const std::uint64_t rate :
         {std::uint64_t{1024}, 64 * std::uint64_t{1024}, mib, 100 * mib}) {
        CAPTURE(rate);
        ByteBucket bucket{rate, start};
        CHECK(bucket.turn() >= ByteBucket::turn_least);
        CHECK(bucket.turn() <= ByteBucket::turn_most);
        CHECK(bucket.available(start) >= 4 * bucket.turn());
    }
}

TEST_CASE("time that goes backwards gives nothing") {
    ByteBucket bucket{mib, start};
    bucket.take(mib / 4);
    CHECK(bucket.available(start - 10s) == 0);
    CHECK(bucket.available(start + 1s) == mib / 4);
}

}  // namespace relay
