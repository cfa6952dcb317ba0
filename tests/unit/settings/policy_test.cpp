#include "common/settings/policy.h"

#include <doctest/doctest.h>

namespace relay {

TEST_CASE("outside of its hours a peer is told which they are") {
    Policy policy;
    CHECK(closed_now(policy, {0, 0}).empty());
    policy.hours = {*parse_hours("Mo-Fr 08:00-18:00"), *parse_hours("Sa 10:00-12:00")};
    CHECK(closed_now(policy, {4, 9 * 60}).empty());
    CHECK(closed_now(policy, {6, 9 * 60}) ==
          "outside of its hours, Mo-Fr 08:00-18:00; Sa 10:00-12:00");
}

TEST_CASE("a limit of streams counts those that are open") {
    Policy policy;
    CHECK(full_now(policy, 16384).empty());
    policy.streams = 2;
    CHECK(full_now(policy, 1).empty());
    CHECK(full_now(policy, 2) == "it has as many streams as it may, 2");
}

TEST_CASE("without targets a forward may lead anywhere, and else to what they name") {
    Policy policy;
    CHECK(target_refused(policy, {"192.0.2.1", 22}).empty());
    policy.targets = {*parse_allow_rule("127.0.0.1:3389"), *parse_allow_rule("nas.lan:*")};
    CHECK(target_refused(policy, {"127.0.0.1", 3389}).empty());
    CHECK(target_refused(policy, {"NAS.lan", 22}).empty());
    CHECK(target_refused(policy, {"127.0.0.1", 22}) == "its targets do not name 127.0.0.1:22");
}

}  // namespace relay
