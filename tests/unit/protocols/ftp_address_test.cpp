#include "common/protocols/ftp_address.h"

#include <doctest/doctest.h>

using namespace relay;

namespace {

FtpAddress place(const char* address, std::uint16_t port) {
    return {*parse_ip_address(address), port};
}

}  // namespace

TEST_CASE("a 227 of any server has an address and a port") {
    const auto expected = place("10.77.1.2", 22004);
    for (const char* line :
         {"227 Entering Passive Mode (10,77,1,2,85,244).\r\n",  // vsftpd, proftpd
          "227 Entering Passive Mode (10,77,1,2,85,244)\r\n",   // pure-ftpd
          "227 Entering Passive Mode 10,77,1,2,85,244\r\n", "227 =10,77,1,2,85,244\n",
          "227 10,77,1,2,85,244", "227 2 ways, 1 is: 10,77,1,2,85,244.\r\n"}) {
        CAPTURE(line);
        CHECK(address_in_227(line) == expected);
    }
    CHECK(address_in_227("227 (0,0,0,0,85,244).\r\n") == place("0.0.0.0", 22004));
}

TEST_CASE("a 227 without six numbers below 256, or with port 0, has none") {
    for (const char* line :
         {"", "227", "227 ", "227 Entering Passive Mode\r\n", "227 (10,77,1,2,85)\r\n",
          "227 (256,77,1,2,85,244)\r\n", "227 (10,77,1,2,85,256)\r\n", "227 (10,77,1,2,0,0)\r\n",
          "227 (10 ,77,1,2,85,244)\r\n", "227 (10,77,1,2,85,)\r\n",
          "227 (10,77,1,2,85,99999999999999999999)\r\n"}) {
        CAPTURE(line);
        CHECK_FALSE(address_in_227(line));
    }
}

TEST_CASE("a 229 has a port between bars of any kind") {
    CHECK(port_in_229("229 Entering Extended Passive Mode (|||22002|)\r\n") == 22002);
    CHECK(port_in_229("229 Extended Passive mode OK (|||22001|)\r\n") == 22001);
    CHECK(port_in_229("229 (!!!1!)\r\n") == 1);
    for (const char* line :
         {"229 |||22002|\r\n", "229 (|||22002)\r\n", "229 (||22002|)\r\n", "229 (|||0|)\r\n",
          "229 (|||65536|)\r\n", "229 (||||)\r\n", "229 (1111221)\r\n", "229 (|1|10.0.0.1|22|)\r\n",
          "229 (|||22002|\r\n", "229 (", "229 (||"}) {
        CAPTURE(line);
        CHECK_FALSE(port_in_229(line));
    }
}

TEST_CASE("PORT and EPRT say where the client listens") {
    CHECK(parse_port_argument("10,77,2,2,206,197") == place("10.77.2.2", 52933));
    CHECK(parse_eprt_argument("|1|10.77.2.2|48485|") == place("10.77.2.2", 48485));
    CHECK(parse_eprt_argument("|2|fd77:2::2|43465|") == place("fd77:2::2", 43465));
    CHECK(parse_eprt_argument("!2!::1!1!") == place("::1", 1));
    for (const char* argument : {"", "10,77,2,2,206", "10,77,2,2,206,197,1", "(10,77,2,2,206,197)",
                                 "10,77,2,2,0,0", "10.77.2.2,206,197"}) {
        CAPTURE(argument);
        CHECK_FALSE(parse_port_argument(argument));
    }
    for (const char* argument :
         {"", "|", "|1|10.77.2.2|48485", "|2|10.77.2.2|48485|", "|1|fd77:2::2|43465|",
          "|3|10.77.2.2|48485|", "|1|localhost|48485|", "|1|10.77.2.2|0|", "|1|10.77.2.2|65536|",
          "|1|10.77.2.2|48485||", " 1 10.77.2.2 48485 "}) {
        CAPTURE(argument);
        CHECK_FALSE(parse_eprt_argument(argument));
    }
}

TEST_CASE("what is written reads back") {
    const auto here = place("192.0.2.7", 22004);
    CHECK(reply_227(here) == "227 Entering Passive Mode (192,0,2,7,85,244).\r\n");
    CHECK(address_in_227(reply_227(here)) == here);
    CHECK(port_in_229(reply_229(65535)) == 65535);
    CHECK(port_command(here) == "PORT 192,0,2,7,85,244\r\n");
    CHECK(port_command(place("2001:db8::7", 22004)) == "EPRT |2|2001:db8::7|22004|\r\n");
}
