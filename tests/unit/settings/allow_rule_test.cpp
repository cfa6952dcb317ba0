#include "common/settings/allow_rule.h"

#include <doctest/doctest.h>

using namespace relay;

namespace {

bool allowed(std::string_view rule, std::string_view host, std::uint16_t port) {
    const auto parsed = parse_allow_rule(rule);
    REQUIRE(parsed);
    return allows(*parsed, host, port);
}

}  // namespace

TEST_CASE("an address and a port allow themselves and nothing else") {
    CHECK(allowed("127.0.0.1:3389", "127.0.0.1", 3389));
    CHECK_FALSE(allowed("127.0.0.1:3389", "127.0.0.1", 3390));
    CHECK_FALSE(allowed("127.0.0.1:3389", "127.0.0.2", 3389));
    CHECK_FALSE(allowed("127.0.0.1:3389", "localhost", 3389));
}

TEST_CASE("a network allows its addresses") {
    CHECK(allowed("192.168.1.0/24:22", "192.168.1.77", 22));
    CHECK_FALSE(allowed("192.168.1.0/24:22", "192.168.2.1", 22));
    CHECK(allowed("[2001:db8::/32]:*", "2001:db8:7::1", 9));
    CHECK_FALSE(allowed("[2001:db8::/32]:*", "2001:db9::1", 9));
    CHECK(allowed("0.0.0.0/0:80", "8.8.8.8", 80));
}

TEST_CASE("an IPv4 address written as IPv6 is the same address") {
    CHECK(allowed("127.0.0.1:22", "::ffff:127.0.0.1", 22));
}

TEST_CASE("a range of ports and every port") {
    CHECK(allowed("127.0.0.1:22000-22004", "127.0.0.1", 22004));
    CHECK_FALSE(allowed("127.0.0.1:22000-22004", "127.0.0.1", 22005));
    CHECK(allowed("localhost:*", "localhost", 65535));
}

TEST_CASE("a name is compared without its case and never resolved") {
    CHECK(allowed("NAS.lan:22", "nas.LAN", 22));
    CHECK_FALSE(allowed("localhost:*", "127.0.0.1", 22));
    CHECK_FALSE(allowed("127.0.0.0/8:*", "localhost", 22));
}

TEST_CASE("a rule is written as it can be read") {
    for (const auto* text : {"127.0.0.1:3389", "192.168.1.0/24:22", "localhost:*", "[::1]:22",
                             "[2001:db8::/32]:1-9"}) {
        const auto rule = parse_allow_rule(text);
        REQUIRE(rule);
        CHECK(to_text(*rule) == text);
    }
}

TEST_CASE("malformed rules are refused") {
    for (const auto* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:9-1",
                             "300.0.0.1:22", "192.168.1.1/24:22", "192.168.1.0/33:22", "::1:22",
                             "*:22", "a b:22", "127.0.0.1:22,23"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_allow_rule(text));
    }
}

TEST_CASE("a unix socket is allowed by its path, or with all of its folder") {
    const auto one = parse_allow_rule("unix:/run/postgresql/.s.PGSQL.5432");
    REQUIRE(one);
    CHECK(to_text(*one) == "unix:/run/postgresql/.s.PGSQL.5432");
    CHECK(allows(*one, "unix:/run/postgresql/.s.PGSQL.5432", unix_port));
    CHECK(!allows(*one, "unix:/run/postgresql/.S.pgsql.5432", unix_port));
    CHECK(!allows(*one, "unix:/run/postgresql/.s.PGSQL.5433", unix_port));
    const auto folder = parse_allow_rule("unix:/run/postgresql/*");
    REQUIRE(folder);
    CHECK(allows(*folder, "unix:/run/postgresql/.s.PGSQL.5432", unix_port));
    CHECK(!allows(*folder, "unix:/run/postgresql/a/b", unix_port));
    CHECK(!allows(*parse_allow_rule("localhost:*"), "unix:/run/x", unix_port));
    CHECK(!allows(*parse_allow_rule("0.0.0.0/0:*"), "unix:/run/x", unix_port));
    CHECK(!allows(*one, "run", unix_port));
}
