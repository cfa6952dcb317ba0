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
          "'vps' is not an address to listen on: allowed are an IP address of this host, 0.0.0.0, "
          "[::], and unix:/PATH");
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

TEST_CASE("a unix socket may stand on either side") {
    auto forwards = parse_forward("unix:/run/relayd/db", "unix:/run/postgresql/.s.PGSQL.5432");
    REQUIRE(forwards);
    REQUIRE(forwards->size() == 1);
    CHECK(forwards->front().listen == HostPort{"unix:/run/relayd/db", unix_port});
    CHECK(to_text(forwards->front().target) == "unix:/run/postgresql/.s.PGSQL.5432");
    forwards = parse_forward("unix:/run/relayd/db", "5432");
    REQUIRE(forwards);
    CHECK(to_text(forwards->front().target) == "127.0.0.1:5432");
    forwards = parse_forward("5432", "unix:/run/db");
    REQUIRE(forwards);
    CHECK(to_text(forwards->front().listen) == "127.0.0.1:5432");
    CHECK(parse_forward("unix:/run/db", "").error().text ==
          "'unix:/run/db' has no port: say what it leads to");
    CHECK(!parse_forward("22-23", "unix:/run/db"));
    CHECK(!parse_forward("unix:db", "22"));
    CHECK(!parse_dynamic("unix:/run/socks"));
}

TEST_CASE("a visitor reaches a socket of a home, and listens on one") {
    auto forwards = parse_visit("work-pc:unix:/run/db", "5432");
    REQUIRE(forwards);
    REQUIRE(forwards->size() == 1);
    CHECK(forwards->front().target == HostPort{"work-pc:unix:/run/db", unix_port});
    CHECK(to_text(forwards->front().target) == "work-pc:unix:/run/db");
    forwards = parse_visit("work-pc:22", "unix:/tmp/x");
    REQUIRE(forwards);
    CHECK(to_text(forwards->front().listen) == "unix:/tmp/x");
    CHECK(to_text(forwards->front().target) == "work-pc:22");
    CHECK(parse_visit("work-pc:unix:/run/db", "").error().text ==
          "'work-pc:unix:/run/db' has no port: say where to listen");
    CHECK(!parse_visit("work-pc:22-23", "unix:/tmp/x"));
}

TEST_CASE("FTP has a range of ports and a word about TLS, and needs an address") {
    const ForwardSettings forward = parse_forward("21", "")->front();
    CHECK(*parse_ftp({}, forward) == FtpForward{});
    CHECK(*parse_ftp({"ftp", "", ""}, forward) == FtpForward{.is_on = true});
    CHECK(*parse_ftp({"ftp", "22000-22004", "refuse"}, forward) ==
          FtpForward{true, PortRange{22000, 22004}, true});
    CHECK(*parse_ftp({"ftp", "22000", "pass"}, forward) ==
          FtpForward{true, PortRange{22000, 22000}, false});
    for (const FtpTexts& wrong :
         {FtpTexts{"tftp", "", ""}, FtpTexts{"", "22000", ""}, FtpTexts{"", "", "refuse"},
          FtpTexts{"ftp", "22004-22000", ""}, FtpTexts{"ftp", "20-22", ""},
          FtpTexts{"ftp", "1-1", "no"}, FtpTexts{"ftp", "22000-23024", ""}}) {
        CAPTURE(wrong.protocol + " " + wrong.data_ports + " " + wrong.tls);
        CHECK(!parse_ftp(wrong, forward));
    }
    CHECK(!parse_ftp({"ftp", "", ""}, parse_forward("21", "unix:/run/ftp")->front()));
    ForwardSettings far = forward;
    far.target.host = std::string(252, 'a');
    CHECK(!parse_ftp({"ftp", "", ""}, far));
}
