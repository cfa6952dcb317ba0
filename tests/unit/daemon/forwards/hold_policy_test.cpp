#include "daemon/forwards/hold_policy.h"

#include <doctest/doctest.h>

using namespace relay;
using namespace std::chrono_literals;
using Answer = HoldPolicy::Answer;

namespace {

constexpr TimePoint start{};

}  // namespace

TEST_CASE("visitors of a home that is there are let in") {
    HoldPolicy policy{30s, start};
    policy.home_came();
    CHECK(policy.visitor_came(0, start + 1h) == Answer::Admit);
    CHECK(policy.visitor_came(HoldPolicy::held_max, start) == Answer::Admit);
    CHECK(!policy.patience_ends());
}

TEST_CASE("visitors wait for a home that has not come yet, for as long as its grace") {
    const HoldPolicy policy{30s, start};
    CHECK(policy.visitor_came(0, start) == Answer::Hold);
    CHECK(policy.visitor_came(0, start + 30s - 1ns) == Answer::Hold);
    CHECK(policy.visitor_came(0, start + 30s) == Answer::TurnAway);
    CHECK(policy.patience_ends() == start + 30s);
}

TEST_CASE("the grace counts from when the home left, and not from its last goodbye") {
    HoldPolicy policy{30s, start};
    policy.home_came();
    policy.home_left(start + 100s);
    policy.home_left(start + 110s);
    CHECK(policy.patience_ends() == start + 130s);
    CHECK(policy.visitor_came(0, start + 129s) == Answer::Hold);
    CHECK(policy.visitor_came(0, start + 131s) == Answer::TurnAway);
}

TEST_CASE("only so many may wait") {
    const HoldPolicy policy{30s, start};
    CHECK(policy.visitor_came(HoldPolicy::held_max - 1, start) == Answer::Hold);
    CHECK(policy.visitor_came(HoldPolicy::held_max, start) == Answer::TurnAway);
}

TEST_CASE("without grace nobody waits") {
    const HoldPolicy policy{0s, start};
    CHECK(policy.visitor_came(0, start) == Answer::TurnAway);
}
