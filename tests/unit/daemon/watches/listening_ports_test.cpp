#include "daemon/watches/listening_ports.h"

#include <doctest/doctest.h>

using namespace relay;

TEST_CASE("a line of /proc/net/tcp tells address, port, user and inode of a listener") {
    const auto v4 = parse_listening_line(
        "   1: 0100007F:0D3D 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        "
        "0 "
        "45678 1 0000000000000000 100 0 0 10 0\n");
    REQUIRE(v4);
    CHECK(to_text(v4->address) == "127.0.0.1");
    CHECK(v4->port == 3389);
    CHECK(v4->uid == 1001);
    CHECK(v4->inode == 45678);
    const auto v6 = parse_listening_line(
        "   0: 00000000000000000000000001000000:0D3D 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 00:00000000 00000000     0        0 99 1 0000000000000000 100 0 0 10 0");
    REQUIRE(v6);
    CHECK(to_text(v6->address) == "::1");
    CHECK(v6->uid == 0);
}

TEST_CASE("what is no listener, or no such line, is none") {
    const char* lines[] = {
        "",
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout "
        "inode",
        "   1: 0100007F:0D3D 0100007F:C001 01 0:0 00:0 0  1001        0 45678 1 0",
        "   1: 0100007F0D3D 00000000:0000 0A 0:0 00:0 0  1001        0 45678 1 0",
        "   1: 0100007F:10D3D 00000000:0000 0A 0:0 00:0 0  1001        0 45678 1 0",
        "   1: 0100007F:0000 00000000:0000 0A 0:0 00:0 0  1001        0 45678 1 0",
        "   1: 0100007F: 00000000:0000 0A 0:0 00:0 0  1001        0 45678 1 0",
        "   1: 0100007:0D3D 00000000:0000 0A 0:0 00:0 0  1001        0 45678 1 0",
        "   1: 0100007G:0D3D 00000000:0000 0A 0:0 00:0 0  1001        0 45678 1 0",
        "   1: 0100007F:0D3D 00000000:0000 0A 0:0 00:0 0  -1        0 45678 1 0",
        "   1: 0100007F:0D3D 00000000:0000 0A 0:0 00:0 0  1001        0",
    };
    for (const char* line : lines) {
        CAPTURE(line);
        CHECK_FALSE(parse_listening_line(line));
    }
}
