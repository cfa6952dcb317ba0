#include "common/roads/road_ladder.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace relay;
using namespace std::chrono_literals;

namespace {

class Zero final : public Random {
public:
    void fill(MutableBytes bytes) override { std::fill(bytes.begin(), bytes.end(), 0); }
};

constexpr auto wss = RoadKind::UpgradeDirect;
constexpr auto wss_proxy = RoadKind::UpgradeByProxy;
constexpr auto poll = RoadKind::PollDirect;
constexpr auto poll_proxy = RoadKind::PollByProxy;
const Roads all = {wss, wss_proxy, poll, poll_proxy};
constexpr RoadLadder::Limits limits{.first = 1min, .most = 10min};

}  // namespace

TEST_CASE("what worked last is tried first, and then the others in their order") {
    Zero random;
    CHECK(RoadLadder{all, std::nullopt, limits, random}.order() == all);
    CHECK(RoadLadder{all, wss, limits, random}.order() == all);
    CHECK(RoadLadder{all, poll, limits, random}.order() == Roads{poll, wss, wss_proxy, poll_proxy});
}

TEST_CASE("what worked last and is there no more does not count") {
    Zero random;
    CHECK(RoadLadder{{wss, poll}, poll_proxy, limits, random}.order() == Roads{wss, poll});
}

TEST_CASE("on the best road nothing is tried") {
    Zero random;
    RoadLadder ladder{all, std::nullopt, limits, random};
    ladder.arrived(wss, TimePoint{1s});
    CHECK(ladder.better().empty());
    CHECK_FALSE(ladder.retry_at());
}

TEST_CASE("better roads are tried again, less and less often") {
    Zero random;
    RoadLadder ladder{all, std::nullopt, limits, random};
    TimePoint now{1s};
    ladder.arrived(poll, now);
    CHECK(ladder.better() == Roads{wss, wss_proxy});
    for (const auto wait : {1min, 2min, 4min, 8min, 10min, 10min}) {
        REQUIRE(ladder.retry_at() == now + wait);
        now += wait;
        ladder.tried(now);
    }
    ladder.arrived(wss_proxy, now);
    CHECK(ladder.better() == Roads{wss});
    CHECK(ladder.retry_at() == now + 10min);
    CHECK(ladder.order().front() == wss_proxy);
    ladder.arrived(wss, now);
    CHECK_FALSE(ladder.retry_at());
}

TEST_CASE("nothing is tried beside a carrier that is gone") {
    Zero random;
    RoadLadder ladder{all, std::nullopt, limits, random};
    ladder.arrived(poll, TimePoint{1s});
    ladder.lost(TimePoint{2s});
    CHECK_FALSE(ladder.retry_at());
    CHECK(ladder.better().empty());
}

TEST_CASE("a road that opens and closes all the time is not tried all the time") {
    Zero random;
    RoadLadder ladder{all, std::nullopt, limits, random};
    TimePoint now{1s};
    for (const auto wait : {1min, 2min, 4min, 8min, 10min}) {
        ladder.arrived(poll, now);
        REQUIRE(ladder.retry_at() == now + wait);
        now += wait;
        ladder.arrived(wss, now);
        now += 20s;
        ladder.lost(now);
    }
    ladder.arrived(wss, now);
    ladder.lost(now + 1min);  // It has carried for a while.
    now += 1min;
    ladder.arrived(poll, now);
    CHECK(ladder.retry_at() == now + 1min);
}
