#include <doctest/doctest.h>

#include "common/session/liveness.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr auto busy = Liveness::Pace::Busy;

}  // namespace

TEST_CASE("whoever wants to know now makes a ping due, and puts no death off by asking again") {
    Liveness liveness{{3s, 7s}, Liveness::Habit::Asks, TimePoint{}};
    liveness.pong(liveness.ping_written(TimePoint{}), TimePoint{});
    liveness.ask(TimePoint{1s});
    CHECK(liveness.ping_due());
    const auto token = liveness.ping_written(TimePoint{1s});
    for (auto time = TimePoint{2s}; time < TimePoint{8s}; time += 1s) {
        liveness.ask(time);
        CHECK_FALSE(liveness.ping_due());
        CHECK(liveness.deadline_reached(time, busy) == Liveness::Verdict::Alive);
    }
    CHECK(liveness.deadline(busy) == TimePoint{8s});
    CHECK(liveness.pong(token, TimePoint{8s}));
    CHECK(liveness.rtt() == 7s);
}

}  // namespace relay
