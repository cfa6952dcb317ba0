#include "common/gates/claims.h"

#include <doctest/doctest.h>

#include "common/gates/ruleset.h"

namespace relay {

namespace {

GatedPlace place(const char* ports, std::string address = {}) {
    return {std::move(address), *parse_gate_ports(ports)};
}

std::vector<Gate> gates() {
    std::vector<Gate> all{{"desktop", {}, {place("3389")}, {}}, {"ssh", {}, {place("22")}, {}}};
    all[0].settings.sequence = {
        {10003, Transport::Tcp}, {10001, Transport::Tcp}, {10007, Transport::Tcp}};
    return all;
}

ClaimStanding standing(const GateClaim& claim) {
    return judge_claim(gates(), claim).standing;
}

}  // namespace

TEST_CASE("a claim closes ports that no gate has, for a gate that there is") {
    CHECK(standing({"desktop", place("4000-4009")}) == ClaimStanding::Claimed);
    CHECK(standing({"desktop", place("4000", "203.0.113.5")}) == ClaimStanding::Claimed);
    CHECK(standing({"desktop", place("3389")}) == ClaimStanding::Settled);
    CHECK(standing({"desktop", place("3389", "203.0.113.5")}) == ClaimStanding::Settled);
    CHECK(standing({"desktop", place("3388-3390")}) == ClaimStanding::Claimed);
}

TEST_CASE("a claim never touches what is another gate's, or is knocked at") {
    for (const GateClaim& claim :
         {GateClaim{"none", place("4000")}, GateClaim{"desktop", place("22")},
          GateClaim{"desktop", place("20-23", "203.0.113.5")}, GateClaim{"ssh", place("10001")},
          GateClaim{"desktop", place("10000-10010")}, GateClaim{"desktop", place("4000/udp")},
          GateClaim{"desktop", place("4000", "127.0.0.1")},
          GateClaim{"desktop", place("4000", "::1")}}) {
        const auto verdict = judge_claim(gates(), claim);
        CHECK(verdict.standing == ClaimStanding::Refused);
        CHECK_FALSE(verdict.why.empty());
    }
}

TEST_CASE("ports that follow one another are one claim") {
    const auto all = merged({{"a", place("5")},
                             {"a", place("3")},
                             {"b", place("6")},
                             {"a", place("4")},
                             {"a", place("65535")},
                             {"a", place("4", "203.0.113.5")}});
    const std::vector<GateClaim> expected{{"a", place("3-5")},
                                          {"a", place("65535")},
                                          {"a", place("4", "203.0.113.5")},
                                          {"b", place("6")}};
    CHECK(all == expected);
}

TEST_CASE("the ports of a gate that has gone stay closed, to everybody") {
    const auto all = with_claims(gates(), {{"desktop", place("4000")}, {"gone", place("4001")}});
    REQUIRE(all.size() == 3);
    CHECK(all[0].claimed == std::vector{place("4000")});
    CHECK(all[2].settings == GateSettings{});
    const auto text = ruleset_of(all, {}, TellKnocks::Yes);
    CHECK(text.find("tcp dport 4001 jump gate-gone\n") != text.npos);
    CHECK(claims_of(all) ==
          "flush chain inet relayd_gates claimed\n"
          "add rule inet relayd_gates claimed tcp dport 4000 jump gate-desktop\n"
          "add rule inet relayd_gates claimed tcp dport 4001 jump gate-gone\n");
}

TEST_CASE("claims are kept as text, and what is none is left out") {
    const std::vector<GateClaim> claims{{"desktop", place("4000-4001")},
                                        {"ssh", place("5", "fd78::1")}};
    CHECK(claims_text(claims) == "desktop 4000-4001/tcp\nssh 5/tcp fd78::1\n");
    CHECK(parse_claims(claims_text(claims)) == claims);
    CHECK(parse_claims("\n;x 5\na\na b\na 5 c\na 5 ::1 x\n").empty());
}

}  // namespace relay
