#include "common/gates/ruleset.h"

#include <doctest/doctest.h>

#include "common/base/text.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

Gate ssh() {
    Gate gate{"ssh", {}, {{"", {{22, 22}, Transport::Tcp}}}};
    gate.settings.sequence = {
        {10003, Transport::Tcp}, {10001, Transport::Udp}, {10007, Transport::Tcp}};
    return gate;
}

std::string rules(const Gate& gate, const GateStates& kept = {}) {
    return ruleset_of({gate}, kept, TellKnocks::Yes);
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

// Where a line begins that starts so, or npos.
std::size_t line_at(const std::string& text, const std::string& start) {
    return text.find("\n\t\t" + start);
}

}  // namespace

TEST_CASE("without gates the table goes, whether it was there or not") {
    CHECK(ruleset_of({}, {}, TellKnocks::Yes) ==
          "table inet relayd_gates\ndelete table inet relayd_gates\n");
}

TEST_CASE("the last step comes first, so that one packet never goes through two stages") {
    const auto text = rules(ssh());
    const auto third = line_at(text, "tcp dport 10007 ip saddr @gate-ssh.knock2-4");
    const auto second = line_at(text, "udp dport 10001 ip saddr @gate-ssh.knock1-4");
    const auto again = line_at(text, "delete @gate-ssh.knock1-4");
    const auto first = line_at(text, "tcp dport 10003 delete @gate-ssh.knock-began-4");
    REQUIRE(first != text.npos);
    CHECK((third < second && second < again && again < first));
}

TEST_CASE("every step asks that the first was made within the time, by the same address") {
    auto gate = ssh();
    gate.settings.within = 7s;
    const auto text = rules(gate);
    for (const auto* step : {"tcp dport 10007 ip saddr", "udp dport 10001 ip saddr"}) {
        const auto at = line_at(text, step);
        const auto line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
        CHECK(has(line, "ip saddr @gate-ssh.knock-began-4"));
    }
    CHECK(has(text,
              "set gate-ssh.knock-began-6 { type ipv6_addr; flags dynamic,timeout; timeout 7s;"));
}

TEST_CASE("ports round those of the sequence are wrong ones, but for the gate's own") {
    auto gate = ssh();
    gate.places.push_back({"", {{10010, 10011}, Transport::Tcp}});
    const auto text = rules(gate);
    CHECK(has(text, "tcp flags & (fin|syn|rst|ack) == syn tcp dport { 9996-10009, 10012 } jump"));
    CHECK(has(text, "udp dport { 9996-10012 } jump gate-ssh.knock-6"));
    gate.settings.sequence = {{2, Transport::Tcp}, {1, Transport::Tcp}, {65534, Transport::Tcp}};
    CHECK(has(rules(gate), "tcp dport { 1-7, 65529-65535 } jump"));
}

TEST_CASE("a closed gate shows what an unused port shows, or nothing") {
    auto gate = ssh();
    CHECK(has(rules(gate),
              "meta l4proto tcp counter name \"gate-ssh.refused\" reject with tcp reset"));
    CHECK_FALSE(has(rules(gate), "drop\n"));
    gate.settings.closed = WhenClosed::Drop;
    CHECK(has(rules(gate), "counter name \"gate-ssh.refused\" drop"));
    CHECK_FALSE(has(rules(gate), "reject"));
}

TEST_CASE("a forward's gate stands before its address only") {
    Gate gate{"desktop",
              {},
              {{"192.0.2.1", {{3389, 3389}, Transport::Tcp}},
               {"2001:db8::1", {{3389, 3389}, Transport::Tcp}}}};
    CHECK(has(rules(gate), "\tip daddr 192.0.2.1 tcp dport 3389 jump gate-desktop\n"));
    CHECK(has(rules(gate), "\tip6 daddr 2001:db8::1 tcp dport 3389 jump gate-desktop\n"));
}

TEST_CASE("who was let in stays so, for what is left, and counters go on") {
    const auto address = *parse_ip_address("192.0.2.7");
    const auto other = *parse_ip_address("2001:db8::7");
    GateStates kept;
    kept["ssh"].open = {{address, Pass::Knocked, 4436ms}, {other, Pass::Operator, 1h}};
    kept["ssh"].counters = {.passed = 5, .refused = 17, .knocked = 2};
    kept["gone"].open = {{address, Pass::Knocked, 1s}};
    const auto text = rules(ssh(), kept);
    CHECK(has(text, "elements = { 192.0.2.7 timeout 10s expires 4s436ms };"));
    CHECK(has(text, "elements = { 2001:db8::7 timeout 1h expires 1h };"));
    CHECK(has(text, "counter gate-ssh.refused { packets 17 bytes 0 }"));
    CHECK_FALSE(has(text, "gone"));
}

TEST_CASE("an address is let in again, whether it was in or not") {
    const OpenFor whom{*parse_ip_address("192.0.2.7"), Pass::Operator, 90s};
    CHECK(opening("ssh", whom) ==
          "add element inet relayd_gates gate-ssh.held-4 { 192.0.2.7 }\n"
          "delete element inet relayd_gates gate-ssh.held-4 { 192.0.2.7 }\n"
          "add element inet relayd_gates gate-ssh.held-4 { 192.0.2.7 timeout 1m30s }\n");
    const auto text = closing("ssh", *parse_ip_address("::1"));
    CHECK(has(text, "delete element inet relayd_gates gate-ssh.open-6 { ::1 }\n"));
    CHECK(has(text, "delete element inet relayd_gates gate-ssh.held-6 { ::1 }\n"));
}

TEST_CASE("a sequence of one step opens at once, and a kernel without NFLOG is not asked to tell") {
    auto gate = ssh();
    gate.settings.sequence = {{7, Transport::Tcp}};
    const auto text = ruleset_of({gate}, {}, TellKnocks::No);
    CHECK(has(text, "\ttcp dport 7 update @gate-ssh.open-4 { ip saddr timeout 10s } counter"));
    CHECK_FALSE(has(text, "log prefix"));
    CHECK_FALSE(has(text, "knock1"));
}

}  // namespace relay
