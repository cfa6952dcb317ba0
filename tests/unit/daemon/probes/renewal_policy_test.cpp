#include "daemon/probes/renewal_policy.h"

#include <doctest/doctest.h>

using namespace relay;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1h};

}  // namespace

TEST_CASE("enough failures in a row renew the carriers") {
    RenewalPolicy policy;
    CHECK(!policy.should_renew(Verdict::Silent, 1, 3, start));
    CHECK(!policy.should_renew(Verdict::Silent, 2, 3, start));
    CHECK(policy.should_renew(Verdict::Silent, 3, 3, start));
}

TEST_CASE("a target that refuses, or no home, is no fault of the tunnel") {
    RenewalPolicy policy;
    for (const Verdict verdict : {Verdict::Ok, Verdict::Refused, Verdict::NoHome}) {
        CHECK(!policy.should_renew(verdict, 100, 3, start));
    }
    CHECK(policy.should_renew(Verdict::Closed, 3, 3, start));
}

TEST_CASE("a target that stays dead does not renew the carriers for ever") {
    RenewalPolicy policy;
    CHECK(policy.should_renew(Verdict::Silent, 3, 3, start));
    CHECK(!policy.should_renew(Verdict::Silent, 4, 3, start + 30s));
    CHECK(!policy.should_renew(Verdict::Silent, 12, 3, start + RenewalPolicy::pause - 1ns));
    CHECK(policy.should_renew(Verdict::Silent, 13, 3, start + RenewalPolicy::pause));
}

TEST_CASE("a limit of none never renews") {
    RenewalPolicy policy;
    CHECK(!policy.should_renew(Verdict::Silent, 1000, 0, start));
}
