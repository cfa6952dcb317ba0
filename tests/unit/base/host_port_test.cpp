#include "common/base/host_port.h"

#include <doctest/doctest.h>

using namespace relay;

TEST_CASE("ports are 1 to 65535") {
    CHECK(*parse_port("1") == 1);
    CHECK(*parse_port("65535") == 65535);
    for (const std::string wrong :
         {"", "0", "65536", "99999999999999999999", "-1", "+1", "22 ", "ssh"}) {
        CAPTURE(wrong);
        REQUIRE_FALSE(parse_port(wrong));
        CHECK(parse_port(wrong).error().text.ends_with("is not a port: allowed are 1 to 65535"));
    }
}

TEST_CASE("a range of ports rises, and a port is a range of one") {
    CHECK(*parse_port_range("22") == PortRange{22, 22});
    CHECK(*parse_port_range("22000-22004") == PortRange{22000, 22004});
    CHECK(parse_port_range("22000-22004")->size() == 5);
    CHECK(parse_port_range("1-65535")->size() == 65535);
    for (const std::string wrong :
         {"", "-", "1-", "-1", "2-1", "0-5", "1-65536", "1-2-3", "1 - 2"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_port_range(wrong));
    }
}

TEST_CASE("an address and a port are read back as they were written") {
    for (const std::string text : {"127.0.0.1:22", "[::1]:22", "[2001:db8::1]:65535", "db.lan:5432",
                                   "my_host-1:1", "example.com.:80"}) {
        CAPTURE(text);
        REQUIRE(parse_host_port(text));
        CHECK(to_text(*parse_host_port(text)) == text);
    }
    CHECK(parse_host_port("[::1]:22")->host == "::1");
}

TEST_CASE("a range is read back as it was written, one port without a dash") {
    CHECK(to_text(*parse_host_port_range("127.0.0.1:22000-22004")) == "127.0.0.1:22000-22004");
    CHECK(to_text(*parse_host_port_range("[::1]:22-22")) == "[::1]:22");
}

TEST_CASE("malformed addresses are refused") {
    for (const std::string wrong : {"",
                                    ":",
                                    ":22",
                                    "host",
                                    "host:",
                                    "127.0.0.1",
                                    "::1:22",
                                    "[::1]",
                                    "[::1]22",
                                    "[::1]:",
                                    "[::1",
                                    "[127.0.0.1]:22",
                                    "[host]:22",
                                    "[]:22",
                                    "[::g]:22",
                                    "256.0.0.1:22",
                                    "1.2.3:22",
                                    "010.0.0.1:22",
                                    "12345:22",
                                    "-a:22",
                                    "a-:22",
                                    "a..b:22",
                                    ".a:22",
                                    ".:22",
                                    "a b:22",
                                    "a/b:22",
                                    "user@host:22",
                                    "h\xc3\xb6st:22",
                                    "host:22:23",
                                    "host:22 ",
                                    " host:22",
                                    "[fe80::1%eth0]:22"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_host_port(wrong));
        CHECK_FALSE(parse_host_port_range(wrong));
    }
}

TEST_CASE("a control character or a NUL never gets into a host") {
    using namespace std::string_view_literals;
    for (const auto wrong : {"a\0b:22"sv, "a\nb:22"sv, "a\x1b[m:22"sv, "\x7f:22"sv}) {
        CHECK_FALSE(parse_host_port(wrong));
    }
}

TEST_CASE("names are limited as in RFC 1035") {
    const std::string label(63, 'a');
    CHECK(parse_host(label));
    CHECK_FALSE(parse_host(label + "a"));
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
    CHECK(parse_host(longest));
    CHECK(parse_host(longest + "a").error().code == ErrorCode::TooLarge);
}

TEST_CASE("a unix socket is read back as it was written") {
    for (const auto* text : {"unix:/run/relayd/x.sock", "unix:/run/postgresql/.s.PGSQL.5432",
                             "unix:/a", "unix:/run/..x/y"}) {
        CAPTURE(text);
        const auto socket = parse_unix(text);
        REQUIRE(socket);
        CHECK(is_unix(socket->host));
        CHECK(socket->port == unix_port);
        CHECK(to_text(*socket) == text);
        CHECK("unix:" + unix_path(socket->host) == text);
        CHECK(to_text(*parse_place(text)) == text);
    }
    CHECK(!is_unix("::1"));
    CHECK(!is_unix("home.example"));
    CHECK(!parse_host_port("unix:/run/x.sock"));
    CHECK(to_text(*parse_place("[::1]:22")) == "[::1]:22");
}

TEST_CASE("the path of a unix socket has one spelling, and fits its address") {
    for (const auto* text : {"unix:", "unix:x.sock", "unix:/", "unix:/run/", "unix://x",
                             "unix:/run/../x", "unix:/run/.", "unix:/run/a b", "unix:/run/a>b",
                             "unix:/run/a\n", "/run/x.sock", "unix:@abstract"}) {
        CAPTURE(text);
        CHECK(!parse_unix(text));
    }
    const std::string longest = "unix:/" + std::string(106, 'x');
    CHECK(parse_unix(longest));
    const auto too_long = parse_unix(longest + "x");
    REQUIRE(!too_long);
    CHECK(too_long.error().text ==
          "the path of a unix socket has at most 107 bytes, and this one 108");
}

TEST_CASE("a rule names a socket, or all that lie in a folder") {
    CHECK(covers_unix("unix:/run/x", "unix:/run/x"));
    CHECK(!covers_unix("unix:/run/x", "unix:/run/X"));
    CHECK(covers_unix("unix:/run/*", "unix:/run/x"));
    CHECK(!covers_unix("unix:/run/*", "unix:/run/x/y"));
    CHECK(!covers_unix("unix:/run/*", "unix:/runx"));
    CHECK(!covers_unix("unix:/run/x", "/run/x"));
}
