#include "common/settings/forward.h"

#include <doctest/doctest.h>

using namespace relay;

namespace {

std::string shown(std::string_view listen, std::string_view to) {
    const auto forwards = parse_forward(listen, to);
    if (!forwards) return forwards.error().text;
    std::string text;
    for (const auto& forward : *forwards) {
        text += (text.empty() ? "" : " ") + to_text(forward.listen) + ">" + to_text(forward.target);
    }
    return text;
}

}  // namespace

TEST_CASE("a port alone is forwarded to the same port of the home") {
    CHECK(shown("3389", "") == "127.0.0.1:3389>127.0.0.1:3389");
    CHECK(shown("0.0.0.0:2222", "") == "0.0.0.0:2222>127.0.0.1:2222");
    CHECK(shown("[::1]:22", "") == "[::1]:22>127.0.0.1:22");
    CHECK(shown("localhost:22", "") == "127.0.0.1:22>127.0.0.1:22");
}

TEST_CASE("a target is a port, a host and port, or a range") {
    CHECK(shown("2222", "22") == "127.0.0.1:2222>127.0.0.1:22");
    CHECK(shown("2222", "192.168.1.10:22") == "127.0.0.1:2222>192.168.1.10:22");
    CHECK(shown("2222", "nas.lan:22") == "127.0.0.1:2222>nas.lan:22");
    CHECK(shown("22000-22001", "nas:80-81") == "127.0.0.1:22000>nas:80 127.0.0.1:22001>nas:81");
    CHECK(shown("22000-22001", "") ==
          "127.0.0.1:22000>127.0.0.1:22000 127.0.0.1:22001>127.0.0.1:22001");
}

TEST_CASE("one listener has one spelling") {
    CHECK(shown("[0:0:0::1]:22", "") == shown("[::1]:22", ""));
}

TEST_CASE("a wrong forward says what is wrong with it") {
    CHECK(shown("", "") == "the port to listen on is missing");
    CHECK(shown("0", "") == "'0' is not a port: allowed are 1 to 65535");
    CHECK(shown("65536", "") == "'65536' is not a port: allowed are 1 to 65535");
    CHECK(shown("22-21", "") == "'22-21' is not a range of ports: it must rise");
    CHECK(shown("22-24", "22") ==
          "cannot forward 3 ports to 1 port: both ranges must be equally long");
    CHECK(shown("1-5000", "") == "a range has at most 4096 ports");
    CHECK(shown("vps:22", "") ==
          "'vps' is not an address to listen on: allowed are an IP address of this host, 0.0.0.0 "
          "and [::]");
    CHECK(shown("22", "nas") == "'nas' has no port: write HOST:PORT");
    CHECK(shown("22", "::1:22") ==
          "'::1:22' has several colons: write an IPv6 address as [ADDRESS]:PORT");
}

TEST_CASE("a home's name is one word that can be a file's name") {
    CHECK(check_home_name("work-pc"));
    CHECK(check_home_name("a"));
    CHECK(check_home_name("7.lab_x"));
    CHECK(check_home_name(std::string(64, 'a')));
    CHECK_FALSE(check_home_name(std::string(65, 'a')));
    CHECK_FALSE(check_home_name(""));
    CHECK_FALSE(check_home_name("../etc"));
    CHECK_FALSE(check_home_name("a/b"));
    CHECK_FALSE(check_home_name("a b"));
}
