#include "common/base/ip_address.h"

#include <doctest/doctest.h>

using namespace relay;

TEST_CASE("addresses are written in their shortest form (RFC 5952 section 4)") {
    const std::pair<std::string, std::string> samples[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:0db8::0001", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::ffff:192.168.1.10", "192.168.1.10"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
    };
    for (const auto& [text, shortest] : samples) {
        CAPTURE(text);
        const auto address = parse_ip_address(text);
        REQUIRE(address);
        CHECK(to_text(*address) == shortest);
        CHECK(*parse_ip_address(shortest) == *address);
    }
}

TEST_CASE("what is not exactly one address is refused") {
    for (const std::string wrong : {"",
                                    "1",
                                    "1.2.3",
                                    "1.2.3.4.5",
                                    "1.2.3.256",
                                    "01.2.3.4",
                                    "1.2.3.04",
                                    "1.2.3.",
                                    ".1.2.3",
                                    "1.2.3.4 ",
                                    "1.2.3.-4",
                                    "0x7f.0.0.1",
                                    ":",
                                    ":::",
                                    "1:2",
                                    ":1::",
                                    "::1:",
                                    "1::2::3",
                                    "1:2:3:4:5:6:7:8:9",
                                    "1:2:3:4:5:6:7",
                                    "1:2:3:4::5:6:7:8",
                                    "12345::",
                                    "g::",
                                    "::1.2.3",
                                    "1.2.3.4::",
                                    "::1.2.3.4:5",
                                    "1:2:3:4:5:6:7:1.2.3.4",
                                    "fe80::1%eth0",
                                    "[::1]",
                                    "::+1"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_ip_address(wrong));
    }
}

TEST_CASE("loopback is 127.0.0.0/8 and ::1, mapped or not") {
    for (const std::string loopback : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) {
        CAPTURE(loopback);
        CHECK(parse_ip_address(loopback)->is_loopback());
    }
    for (const std::string other : {"128.0.0.1", "0.0.0.0", "::", "::2", "::127.0.0.1", "100::1"}) {
        CAPTURE(other);
        CHECK_FALSE(parse_ip_address(other)->is_loopback());
    }
}
