// How much a peer may send, and when it is told.
#include "common/session/credit.h"

#include <doctest/doctest.h>

using namespace relay;
using namespace std::chrono_literals;

// A round trip of 40 ms, and the allowance.
constexpr Duration a_round = 40250us;

TEST_CASE("credit follows bandwidth and delay, up to its limit") {
    constexpr CreditLimits limits{65536, 65536, 16 << 20};
    Credit credit = first_credit(65536, TimePoint{});
    std::uint64_t offset = 0;
    TimePoint now{};
    // All that is allowed arrives within each round trip: the window is what limits.
    for (int round = 0; round < 12; ++round) {
        now += a_round;
        offset += credit.window;
        measure(credit, limits, offset, 40ms, now);
    }
    CHECK(credit.window == 16 << 20);
    // From now on 100 KB arrive in each: the window falls to twice of that, and stays.
    for (int round = 0; round < 1000; ++round) {
        now += a_round;
        offset += 100'000;
        measure(credit, limits, offset, 40ms, now);
    }
    CHECK(credit.window == 200'000);
}

TEST_CASE("a pause does not take credit away at once") {
    constexpr CreditLimits limits{65536, 65536, 16 << 20};
    Credit credit = first_credit(65536, TimePoint{});
    measure(credit, limits, 1'000'000, 40ms, TimePoint{a_round});
    CHECK(credit.window == 2'000'000);
    measure(credit, limits, 1'000'001, 40ms, TimePoint{1s});
    CHECK(credit.window == 2'000'000);
}

TEST_CASE("on a short path a stream has room for what it consumes in 10 ms, within a limit") {
    constexpr CreditLimits limits{131072, 262144, 16 << 20};
    const auto window_at = [&](std::uint64_t bytes_per_ms) {
        Credit credit = first_credit(65536, TimePoint{});
        measure(credit, limits, 20 * bytes_per_ms, 100us, TimePoint{20ms});
        return credit.window;
    };
    CHECK(window_at(1'000) == 131072);
    CHECK(window_at(20'000) == 200'000);
    CHECK(window_at(100'000) == 262144);
    CHECK(window_at(1'000'000) == 700'000);  // Twice of 350 µs.
}

TEST_CASE("credit that was told is honoured when less is told later") {
    Credit credit = first_credit(1000, TimePoint{});
    CHECK(tell(credit, 500) == 1000);
    credit.window = 100;
    CHECK(tell(credit, 600) == 100);
    CHECK(credit.most == 1500);
}

TEST_CASE("a peer is told at once when half of its credit is used, and soon when much has come") {
    const Credit credit = first_credit(131072, TimePoint{});
    CHECK(urgency(credit, 32767) == Urgency::Sometime);
    CHECK(urgency(credit, 32768) == Urgency::Soon);
    CHECK(urgency(credit, 65535) == Urgency::Soon);
    CHECK(urgency(credit, 65536) == Urgency::AtOnce);
}

TEST_CASE(
    "a large window is told of long before half of it is used, and a small one of a quarter") {
    const Credit large = first_credit(16 << 20, TimePoint{});
    CHECK(urgency(large, (256 << 10) - 1) == Urgency::Soon);
    CHECK(urgency(large, 256 << 10) == Urgency::AtOnce);
    const Credit small = first_credit(4096, TimePoint{});
    CHECK(urgency(small, 1023) == Urgency::Sometime);
    CHECK(urgency(small, 1024) == Urgency::Soon);
    CHECK(urgency(small, 2048) == Urgency::AtOnce);
}
