#include "common/base/cidr.h"

#include <doctest/doctest.h>

using namespace relay;

namespace {

bool contains(const char* network, const char* address) {
    return parse_cidr(network)->contains(*parse_ip_address(address));
}

}  // namespace

TEST_CASE("a network contains its first and last address, and neither neighbour") {
    CHECK(contains("192.168.1.0/24", "192.168.1.0"));
    CHECK(contains("192.168.1.0/24", "192.168.1.255"));
    CHECK_FALSE(contains("192.168.1.0/24", "192.168.0.255"));
    CHECK_FALSE(contains("192.168.1.0/24", "192.168.2.0"));
    CHECK(contains("10.0.0.128/25", "10.0.0.128"));
    CHECK_FALSE(contains("10.0.0.128/25", "10.0.0.127"));
    CHECK(contains("2001:db8::/33", "2001:db8:7fff::1"));
    CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

TEST_CASE("a bare address is a network of one") {
    CHECK(contains("203.0.113.7", "203.0.113.7"));
    CHECK_FALSE(contains("203.0.113.7", "203.0.113.6"));
    CHECK(contains("::1", "::1"));
}

TEST_CASE("0.0.0.0/0 is all of IPv4, ::/0 is every address") {
    CHECK(contains("0.0.0.0/0", "255.255.255.255"));
    CHECK_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
    CHECK(contains("::/0", "2001:db8::1"));
    CHECK(contains("::/0", "10.0.0.1"));
}

TEST_CASE("a mapped address is in the IPv4 network") {
    CHECK(contains("192.168.1.0/24", "::ffff:192.168.1.9"));
}

TEST_CASE("networks are read back as they were written") {
    for (const std::string text :
         {"192.168.1.0/24", "0.0.0.0/0", "203.0.113.7", "2001:db8::/32", "::/0", "::1", "::/96"}) {
        CAPTURE(text);
        REQUIRE(parse_cidr(text));
        CHECK(to_text(*parse_cidr(text)) == text);
    }
}

TEST_CASE("a malformed network is refused") {
    for (const std::string wrong :
         {"", "/", "/24", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0.0/24/8",
          "10.0.0/8", "10.0.0.0/255.0.0.0", "lan/24", "10.0.0.0 /8", "[::1]/128"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_cidr(wrong));
    }
}

TEST_CASE("bits beyond the prefix are refused with the network that was probably meant") {
    const auto cidr = parse_cidr("192.168.1.10/24");
    REQUIRE_FALSE(cidr);
    CHECK(
        cidr.error().text ==
        "'192.168.1.10/24' has bits beyond its prefix: write 192.168.1.0/24 or the address alone");
}
