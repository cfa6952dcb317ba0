#include "common/gates/kept_gates.h"

#include <doctest/doctest.h>

namespace relay {

TEST_CASE("gates come back from their file as they were") {
    Gate gate{"ssh", {}, {}, {}};
    gate.places = {{"", *parse_gate_ports("22")}, {"fd78::1", *parse_gate_ports("60-70/udp")}};
    gate.settings.closed = WhenClosed::Drop;
    gate.settings.always = {*parse_cidr("203.0.113.0/24"), *parse_cidr("fd78::/64")};
    gate.settings.open_for = std::chrono::minutes{90};
    gate.settings.within = std::chrono::seconds{7};
    gate.settings.sequence = {{3, Transport::Tcp}, {1, Transport::Udp}, {2, Transport::Tcp}};
    gate.settings.close_sequence = {{2, Transport::Tcp}};
    gate.settings.allow_ascending = true;
    gate.settings.visitors = {"bob"};
    PublicKey key{};
    key.bytes[5] = 7;
    gate.settings.keys = {key};
    const std::vector<Gate> all{{"empty", {}, {}, {}}, gate};
    const auto read = parse_kept(kept_text(all));
    REQUIRE(read);
    CHECK(*read == all);
    CHECK(parse_kept("")->empty());
}

TEST_CASE("a file with a line that is none is not read at all") {
    for (const auto* text :
         {"place 22/tcp\n", "gate a.b\n", "gate a\nplace x\n", "gate a\nclosed\n",
          "gate a\nopen-for 5\n", "gate a\nelse 5\n", "gate a\nkey x\n"}) {
        CHECK_FALSE(parse_kept(text));
    }
}

}  // namespace relay
