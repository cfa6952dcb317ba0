#include "common/settings/gate.h"

#include <doctest/doctest.h>

namespace relay {

namespace {

std::vector<KnockStep> steps(std::initializer_list<std::uint16_t> ports) {
    std::vector<KnockStep> sequence;
    for (const auto port : ports) sequence.push_back({port, Transport::Tcp});
    return sequence;
}

}  // namespace

TEST_CASE("ports of a gate and steps of a sequence have a transport, tcp unless it is said") {
    CHECK(*parse_gate_ports("22") == GatePorts{{22, 22}, Transport::Tcp});
    CHECK(*parse_gate_ports("60000-60010/udp") == GatePorts{{60000, 60010}, Transport::Udp});
    CHECK(to_text(*parse_gate_ports("60000-60010/udp")) == "60000-60010/udp");
    CHECK(*parse_knock_step("10001") == KnockStep{10001, Transport::Tcp});
    CHECK(*parse_knock_step("10001:udp") == KnockStep{10001, Transport::Udp});
    CHECK(to_text(*parse_knock_step("10001/udp")) == "10001/udp");
    for (const auto* text :
         {"", "/tcp", "22/", "22/icmp", "0/tcp", "65536", "22/tcp/udp", "22:udp"}) {
        CHECK_FALSE(parse_gate_ports(text));
    }
    for (const auto* text : {"", ":udp", "1-2", "70000/udp", "1/tcp:udp"}) {
        CHECK_FALSE(parse_knock_step(text));
    }
}

TEST_CASE("names of gates can stand in rules as they are") {
    CHECK(parse_gate_name("ssh"));
    CHECK(parse_gate_name("Work-PC2"));
    for (const auto* text : {"", "2nd", "-a", "a.b", "a b", "a;b", "a\"", "caf\xc3\xa9",
                             "a23456789012345678901234567890123"}) {
        CHECK_FALSE(parse_gate_name(text));
    }
}

TEST_CASE("a sequence that rises or falls all the way is a scan's") {
    CHECK(is_monotone(steps({1})));
    CHECK(is_monotone(steps({1, 2})));
    CHECK(is_monotone(steps({10001, 10002, 10003})));
    CHECK(is_monotone(steps({3, 2, 1})));
    CHECK(is_monotone(steps({1, 1, 2})));
    CHECK_FALSE(is_monotone(steps({10003, 10001, 10007})));
}

TEST_CASE("a better order of the same ports is proposed if there is one") {
    CHECK(reordered(steps({1, 2, 3})) == steps({2, 1, 3}));
    CHECK(reordered(steps({3, 2, 1})) == steps({2, 3, 1}));
    CHECK(reordered(steps({1, 2})).empty());
    CHECK(reordered(steps({1})).empty());
    CHECK_FALSE(is_monotone(reordered(steps({1, 1, 2, 2, 3}))));
}

}  // namespace relay
