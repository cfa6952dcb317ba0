#include "common/roads/road_race.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace relay;
using namespace std::chrono_literals;

namespace {

using Kind = RoadRace::Step::Kind;
using Failure = RoadRace::Failure;
constexpr auto wss = RoadKind::UpgradeDirect;
constexpr auto wss_proxy = RoadKind::UpgradeByProxy;
constexpr auto poll = RoadKind::PollDirect;
constexpr auto poll_proxy = RoadKind::PollByProxy;

std::vector<RoadRace::Step> steps(RoadRace& race, TimePoint now) {
    std::vector<RoadRace::Step> steps;
    while (const auto step = race.next(now)) steps.push_back(*step);
    return steps;
}

using Steps = std::vector<RoadRace::Step>;

}  // namespace

namespace relay {
doctest::String toString(const RoadRace::Step& step) {
    const char* const kinds[] = {"dial ", "introduce ", "drop "};
    return (kinds[static_cast<int>(step.kind)] + std::string{name_of(step.road)}).c_str();
}
}  // namespace relay

TEST_CASE("roads come in their order, as far as there are hops for them") {
    CHECK(roads_by({.relay = true, .proxy = false}) == Roads{wss, poll});
    CHECK(roads_by({.relay = false, .proxy = true}) == Roads{wss_proxy, poll_proxy});
    CHECK(roads_by({.relay = true, .proxy = true}) == Roads{wss, wss_proxy, poll, poll_proxy});
}

TEST_CASE("roads have names that are read back") {
    for (const RoadKind road : {RoadKind::Written, wss, wss_proxy, poll, poll_proxy}) {
        CHECK(road_named(name_of(road)) == road);
    }
    CHECK_FALSE(road_named("tls"));
}

TEST_CASE("a road that leads there at once has no company") {
    const TimePoint start{1s};
    RoadRace race{{wss, poll}, 3s};
    CHECK(steps(race, start) == Steps{{Kind::Dial, wss}});
    CHECK(race.deadline() == start + 3s);
    race.reached(wss, start + 100ms);
    CHECK(steps(race, start + 100ms) == Steps{{Kind::Introduce, wss}});
    CHECK_FALSE(race.is_lost());
}

TEST_CASE("a road that is blocked makes way for the next at once") {
    const TimePoint start{1s};
    RoadRace race{{wss, poll}, 3s};
    (void)steps(race, start);
    race.failed(wss, Failure::Blocked, start + 10ms);
    CHECK(steps(race, start + 10ms) == Steps{{Kind::Dial, poll}});
    race.failed(poll, Failure::Blocked, start + 20ms);
    CHECK(steps(race, start + 20ms).empty());
    CHECK(race.is_lost());
    CHECK_FALSE(race.deadline());
}

TEST_CASE("what its first hop did not let reach is not tried by other means") {
    const TimePoint start{1s};
    RoadRace race{{wss, wss_proxy, poll, poll_proxy}, 3s};
    (void)steps(race, start);
    race.failed(wss, Failure::Unreached, start);
    CHECK(steps(race, start) == Steps{{Kind::Dial, wss_proxy}});
    race.failed(wss_proxy, Failure::Blocked, start);
    CHECK(steps(race, start) == Steps{{Kind::Dial, poll_proxy}});
    race.failed(poll_proxy, Failure::Blocked, start);
    CHECK(race.is_lost());
}

TEST_CASE("a silent road gets company, by another hop or once its own has answered") {
    const TimePoint start{1s};
    RoadRace race{{wss, wss_proxy, poll}, 3s};
    (void)steps(race, start);
    CHECK(steps(race, start + 2999ms).empty());
    CHECK(steps(race, start + 3s) == Steps{{Kind::Dial, wss_proxy}});
    CHECK(steps(race, start + 6s).empty());  // The relay's host has not answered at all.
    race.touched(wss);
    CHECK(steps(race, start + 9s) == Steps{{Kind::Dial, poll}});
    race.reached(poll, start + 10s);
    CHECK(steps(race, start + 10s) == Steps{{Kind::Introduce, poll}});
}

TEST_CASE("one introduces itself at a time, and a silent one makes way") {
    const TimePoint start{1s};
    RoadRace race{{wss, wss_proxy}, 3s};
    (void)steps(race, start);
    race.reached(wss, start + 1s);
    CHECK(steps(race, start + 1s) == Steps{{Kind::Introduce, wss}});
    CHECK(steps(race, start + 4s) == Steps{{Kind::Dial, wss_proxy}});
    race.reached(wss_proxy, start + 5s);
    CHECK(steps(race, start + 5s) == Steps{{Kind::Drop, wss}, {Kind::Introduce, wss_proxy}});
}

TEST_CASE("one that has waited its turn introduces itself when the other fails") {
    const TimePoint start{1s};
    RoadRace race{{wss, wss_proxy}, 3s};
    (void)steps(race, start);
    (void)steps(race, start + 3s);
    race.reached(wss_proxy, start + 4s);
    (void)steps(race, start + 4s);
    race.reached(wss, start + 5s);
    CHECK(steps(race, start + 5s).empty());
    CHECK(race.deadline() == start + 7s);
    race.failed(wss_proxy, Failure::Blocked, start + 6s);
    CHECK(steps(race, start + 6s) == Steps{{Kind::Introduce, wss}});
}

TEST_CASE("a final answer ends them all") {
    const TimePoint start{1s};
    RoadRace race{{wss, wss_proxy, poll}, 3s};
    (void)steps(race, start);
    (void)steps(race, start + 3s);
    race.failed(wss, Failure::Final, start + 4s);
    CHECK(race.is_lost());
    CHECK(steps(race, start + 4s) == Steps{{Kind::Drop, wss_proxy}});
}

// Each road is dialled at most once and dropped at most once, never two introduce themselves, and
// whatever happens there is an end.
TEST_CASE("whatever happens, a race comes to an end") {
    for (unsigned seed = 0; seed < 2000; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        const auto one_of = [&](unsigned n) { return random() % n; };
        RoadRace race{roads_by({.relay = true, .proxy = one_of(2) == 0}), 3s};
        std::map<RoadKind, Kind> last;
        std::set<RoadKind> at_the_door;
        TimePoint now{1s};
        for (unsigned turn = 0; !race.is_lost(); ++turn) {
            REQUIRE(turn < 200);
            while (const auto step = race.next(now)) {
                if (step->kind == Kind::Dial) REQUIRE_FALSE(last.contains(step->road));
                if (step->kind != Kind::Dial) REQUIRE(last.contains(step->road));
                if (step->kind == Kind::Drop) {
                    REQUIRE(last.erase(step->road) == 1);
                } else {
                    last[step->road] = step->kind;
                }
            }
            REQUIRE(std::count_if(last.begin(), last.end(), [](const auto& each) {
                        return each.second == Kind::Introduce;
                    }) <= 1);
            if (last.empty()) continue;
            const RoadKind road = std::next(last.begin(), one_of(unsigned(last.size())))->first;
            switch (one_of(5)) {
                case 0: race.touched(road); break;
                case 1:
                    if (at_the_door.insert(road).second) race.reached(road, now);
                    break;
                case 2:
                    race.failed(road, one_of(8) == 0 ? Failure::Final : Failure::Blocked, now);
                    last.erase(road);
                    break;
                default:
                    if (const auto deadline = race.deadline()) {
                        REQUIRE(*deadline <= now + 3s);
                        now = std::max(now, *deadline);
                    }
            }
        }
    }
}
