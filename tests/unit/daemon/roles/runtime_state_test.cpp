#include "daemon/roles/runtime_state.h"

#include <doctest/doctest.h>

using namespace relay;
using namespace std::chrono_literals;

namespace {

const std::string key_line =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f pc";

}  // namespace

TEST_CASE("a forward survives being written down") {
    const std::string line = "work-pc 127.0.0.1:3389 [fd00::1]:3390 rdp 30 1767225600";
    const auto parsed = parse_runtime_forward(line);
    REQUIRE(parsed);
    CHECK(parsed->home == "work-pc");
    CHECK(parsed->forward.listen == HostPort{"127.0.0.1", 3389});
    CHECK(parsed->forward.target == HostPort{"fd00::1", 3390});
    CHECK(parsed->forward.probe == ProbeKind::Rdp);
    CHECK(parsed->forward.grace == 30s);
    CHECK(parsed->expires_unix_s == 1767225600);
    CHECK(line_of(*parsed) == line);
}

TEST_CASE("a forward without an end of its time says so") {
    const std::string line = "pc 0.0.0.0:22 nas.lan:22 auto 0 -";
    const auto parsed = parse_runtime_forward(line);
    REQUIRE(parsed);
    CHECK(!parsed->expires_unix_s);
    CHECK(line_of(*parsed) == line);
}

TEST_CASE("a forward that a home asked for, and one whose target is told of visitors, say so") {
    const std::string line = "pc 127.0.0.1:80 127.0.0.1:8080 http 600 home proxy-protocol";
    const auto parsed = parse_runtime_forward(line);
    REQUIRE(parsed);
    CHECK(parsed->is_homes);
    CHECK(parsed->forward.proxy_protocol);
    CHECK(line_of(*parsed) == line);
    CHECK_FALSE(parse_runtime_forward("pc 127.0.0.1:80 127.0.0.1:80 http 600 - proxy"));
}

TEST_CASE("a forward keeps the gate that it is behind") {
    const std::string line = "pc 0.0.0.0:80 127.0.0.1:8080 http 600 - proxy-protocol gate=desktop";
    const auto parsed = parse_runtime_forward(line);
    REQUIRE(parsed);
    CHECK(parsed->forward.gate == "desktop");
    CHECK(line_of(*parsed) == line);
    CHECK_FALSE(parse_runtime_forward("pc 0.0.0.0:80 127.0.0.1:80 http 600 - gate=a.b"));
}

TEST_CASE("a forward of unix sockets has the mode and the group of its file") {
    for (const std::string line :
         {"work-pc unix:/run/relayd/db unix:/run/postgresql/.s.PGSQL.5432 auto 30 -",
          "work-pc unix:/run/relayd/db 127.0.0.1:22 ssh 30 - mode=0600",
          "work-pc unix:/run/relayd/db 127.0.0.1:22 ssh 30 - proxy-protocol mode=0666 "
          "group=staff"}) {
        CAPTURE(line);
        const auto parsed = parse_runtime_forward(line);
        REQUIRE(parsed);
        CHECK(line_of(*parsed) == line);
    }
    CHECK(!parse_runtime_forward("work-pc unix:/run/x 127.0.0.1:22 ssh 30 - mode=9"));
    CHECK(!parse_runtime_forward("work-pc unix:/run/x 127.0.0.1:22 ssh 30 - other"));
}

TEST_CASE("a forward of FTP keeps what was said of it") {
    for (const std::string line :
         {"work-pc 0.0.0.0:21 127.0.0.1:21 auto 30 - protocol=ftp",
          "work-pc 0.0.0.0:21 127.0.0.1:21 ftp 30 - protocol=ftp data-ports=22000-22004 "
          "ftp-tls=refuse",
          "work-pc 0.0.0.0:21 127.0.0.1:21 ftp 30 - proxy-protocol protocol=ftp "
          "data-ports=22000"}) {
        CAPTURE(line);
        const auto parsed = parse_runtime_forward(line);
        REQUIRE(parsed);
        CHECK(line_of(*parsed) == line);
    }
    CHECK(!parse_runtime_forward("work-pc 0.0.0.0:21 127.0.0.1:21 ftp 30 - protocol=tftp"));
    CHECK(!parse_runtime_forward("work-pc 0.0.0.0:21 127.0.0.1:21 ftp 30 - data-ports=22000"));
}

TEST_CASE("what a home may survives being written down") {
    for (const std::string line : {"pc may listen 127.0.0.1:5000-5009 [::1]:* reach relay:5432 a:*",
                                   "pc may listen reach a:22", "pc may listen 0.0.0.0:80 reach"}) {
        CAPTURE(line);
        REQUIRE(is_runtime_permission(line));
        const auto parsed = parse_runtime_permission(line);
        REQUIRE(parsed);
        CHECK(parsed->home == "pc");
        CHECK(line_of(*parsed) == line);
    }
    CHECK_FALSE(is_runtime_permission("pc " + key_line));
    for (const char* line :
         {"pc may", "pc may listen", "pc may listen 80", "pc may reach a:22",
          "pc may listen host:80 reach", "-pc may listen 80 reach", "pc may listen 80 reach a"}) {
        CAPTURE(line);
        CHECK_FALSE(parse_runtime_permission(line));
    }
}

TEST_CASE("an invitation survives being written down, and is told from a home") {
    const std::string line =
        "@work-pc 1767225600 1767226500 ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f "
        "127.0.0.1:3389>127.0.0.1:3389 [::1]:22000-22004>nas.lan:22000-22004";
    CHECK(is_invitation(line));
    CHECK_FALSE(is_invitation("work-pc " + key_line));
    CHECK_FALSE(parse_runtime_key(line));
    const auto parsed = parse_runtime_invitation(line);
    REQUIRE(parsed);
    CHECK(parsed->home == "work-pc");
    CHECK(parsed->expires_unix_s == 1767226500);
    REQUIRE(parsed->forwards.size() == 2);
    CHECK(parsed->forwards[1].target == HostPortRange{"nas.lan", {22000, 22004}});
    CHECK(line_of(*parsed) == line);
}

TEST_CASE("lines that are no invitation are refused") {
    for (const char* line : {
             "@",
             "@work-pc 1 2",
             "@work-pc 1 2 ssh-rsa AAAA",
             "work-pc 1 2 ssh-ed25519 AAAA",
             "@work-pc 1 2 ssh-ed25519 "
             "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f 127.0.0.1:22",
             "@work-pc x 2 ssh-ed25519 "
             "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
         }) {
        CAPTURE(line);
        CHECK_FALSE(parse_runtime_invitation(line));
    }
}

TEST_CASE("lines that are no forward are refused") {
    for (const char* line : {
             "",
             "pc",
             "pc 127.0.0.1:22 127.0.0.1:22 auto 30",
             "pc 127.0.0.1:22 127.0.0.1:22 auto 30 - more",
             "pc 127.0.0.1:0 127.0.0.1:22 auto 30 -",
             "pc 127.0.0.1:22 127.0.0.1:99999 auto 30 -",
             "pc 22-24 22-24 auto 30 -",
             "pc 127.0.0.1:22 127.0.0.1:22 telnet 30 -",
             "pc 127.0.0.1:22 127.0.0.1:22 auto thirty -",
             "pc 127.0.0.1:22 127.0.0.1:22 auto -30 -",
             "pc 127.0.0.1:22 127.0.0.1:22 auto 99999999999999999999 -",
             "pc 127.0.0.1:22 127.0.0.1:22 auto 9223372036854775807 -",
             "pc 127.0.0.1:22 127.0.0.1:22 auto 30 soon",
             "pc 127.0.0.1:22 127.0.0.1:22 auto 30 9223372036854775807",
             "../pc 127.0.0.1:22 127.0.0.1:22 auto 30 -",
         }) {
        CAPTURE(line);
        CHECK(!parse_runtime_forward(line));
    }
}

TEST_CASE("a home's key survives being written down") {
    for (const std::string& line :
         {"pc " + key_line, "pc from=\"10.0.0.0/8,192.0.2.1\" " + key_line}) {
        const auto parsed = parse_runtime_key(line);
        REQUIRE(parsed);
        CHECK(parsed->owner == "pc");
        CHECK(line_of(*parsed) == line);
    }
}

TEST_CASE("what a visitor may reach survives being written down, and is told from its key") {
    const std::string line = "alice may-reach work-pc:3389 lab:22000-22004 nas:*";
    CHECK(is_runtime_reach(line));
    CHECK_FALSE(is_runtime_reach("alice " + key_line));
    CHECK_FALSE(parse_runtime_key(line));
    const auto parsed = parse_runtime_reach(line);
    REQUIRE(parsed);
    CHECK(parsed->visitor == "alice");
    CHECK(parsed->rules.size() == 3);
    CHECK(line_of(*parsed) == line);
    for (const char* wrong : {"", "alice", "alice may-reach work-pc", "../a may-reach a:1",
                              "alice reach a:1", "alice may-reach a:1 -"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_runtime_reach(wrong));
    }
}

TEST_CASE("lines that are no home are refused") {
    const std::vector<std::string> lines = {
        "",
        "pc",
        "pc ",
        "pc #",
        key_line,
        "../pc " + key_line,
        "pc command=\"x\" " + key_line,
        "pc ssh-ed25519 AAAA",
    };
    for (const std::string& line : lines) {
        CAPTURE(line);
        CHECK(!parse_runtime_key(line));
    }
}
