#include <doctest/doctest.h>

#include "common/gates/ruleset.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view listing = R"(table inet relayd_gates {
	counter gate-ssh.passed {
		packets 5 bytes 300
	}

	counter gate-ssh.refused {
		packets 17 bytes 0
	}

	counter gate-ssh.knocked {
		packets 2 bytes 0
	}

	set gate-ssh.open-4 {
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 10s
		elements = { 10.0.0.1 expires 4s436ms, 10.0.0.2 timeout 1m15s expires 1m2s,
			     10.0.0.3 timeout 1h5s500ms expires 1h500ms }
	}

	set gate-ssh.held-6 {
		type ipv6_addr
		size 65535
		flags dynamic,timeout
		timeout 10s
		elements = { 2001:db8::1 timeout 2h expires 1h59m59s984ms }
	}

	set gate-ssh.knock1-4 {
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 5s
		elements = { 10.0.0.9 expires 4s }
	}

	chain gate-ssh {
		ip saddr @gate-ssh.open-4 counter name "gate-ssh.passed" accept
	}
}
)";

IpAddress address(std::string_view text) {
    return *parse_ip_address(text);
}

}  // namespace

TEST_CASE("a listing tells who may pass, for how long, and what was counted") {
    const auto states = states_in(listing);
    REQUIRE(states.size() == 1);
    const auto& ssh = states.at("ssh");
    CHECK(ssh.counters == GateCounters{.passed = 5, .refused = 17, .knocked = 2});
    REQUIRE(ssh.open.size() == 4);
    CHECK(ssh.open[0] == OpenFor{address("10.0.0.1"), Pass::Knocked, 4436ms});
    CHECK(ssh.open[1] == OpenFor{address("10.0.0.2"), Pass::Knocked, 62s});
    CHECK(ssh.open[2] == OpenFor{address("10.0.0.3"), Pass::Knocked, 1h + 500ms});
    CHECK(ssh.open[3] == OpenFor{address("2001:db8::1"), Pass::Operator, 2h - 16ms});
}

TEST_CASE("a listing that is cut off anywhere, or garbled, is read as far as it makes sense") {
    for (std::size_t size = 0; size < listing.size(); ++size) {
        const auto states = states_in(listing.substr(0, size));
        CHECK(states.size() <= 1);
        std::string garbled{listing};
        garbled[size] = '}';
        (void)states_in(garbled);
        garbled[size] = ',';
        (void)states_in(garbled);
    }
}

TEST_CASE("a note in the log says which gate opened or closed") {
    for (const bool opens : {true, false}) {
        const KnockNote note{"work-pc", opens};
        const auto again = parse_log_prefix(log_prefix(note));
        REQUIRE(again);
        CHECK(*again == note);
    }
    for (const auto* text : {"", "relayd-gate ", "relayd-gate ssh", "relayd-gate ssh opened",
                             "relayd-gate  open", "other ssh open", "relayd-gate a;b open"}) {
        CHECK_FALSE(parse_log_prefix(text));
    }
}

}  // namespace relay
