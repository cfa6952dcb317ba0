#include "common/protocols/proxy_header.h"

#include <doctest/doctest.h>

#include <string>

using namespace relay;

namespace {

ProxySource at(const char* address, std::uint16_t port) {
    return {*parse_ip_address(address), port};
}

std::string text(const ByteVector& bytes) {
    return std::string{text_of(bytes)};
}

const std::string v2_start{"\r\n\r\n\0\r\nQUIT\n", 12};

}  // namespace

TEST_CASE("a PROXY header of version 1 names who connected, and what follows stays") {
    const std::string said = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n\x16rest";
    Bytes input = bytes_of(said);
    const auto header = take_proxy_header(input);
    REQUIRE(header);
    REQUIRE(*header);
    CHECK((*header)->source == at("203.0.113.7", 4711));
    CHECK(text_of(input) == "\x16rest");

    const std::string v6 = "PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n";
    Bytes other = bytes_of(v6);
    const auto second = take_proxy_header(other);
    REQUIRE(second);
    CHECK((*second)->source == at("2001:db8::7", 1));
    CHECK(other.empty());
}

TEST_CASE("PROXY headers that are written can be read, byte by byte") {
    for (const auto& [source, destination] :
         {std::pair{at("203.0.113.7", 4711), at("192.0.2.1", 443)},
          std::pair{at("2001:db8::7", 65535), at("2001:db8::1", 1)},
          std::pair{at("203.0.113.7", 4711), at("2001:db8::1", 1)}}) {
        for (const auto& header :
             {proxy_header_v1(source, destination), proxy_header_v2(source, destination)}) {
            for (std::size_t size = 0; size <= header.size(); ++size) {
                Bytes input = Bytes{header}.first(size);
                CHECK(may_be_proxy_header(input));
                const auto taken = take_proxy_header(input);
                REQUIRE(taken);
                REQUIRE(taken->has_value() == (size == header.size()));
                if (*taken) CHECK((*taken)->source == source);
            }
        }
    }
    CHECK(text(proxy_header_v1(at("203.0.113.7", 4711), at("192.0.2.1", 443))) ==
          "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n");
}

TEST_CASE("a proxy that speaks for itself names nobody") {
    for (const std::string& said :
         {std::string{"PROXY UNKNOWN\r\n"}, std::string{"PROXY UNKNOWN ffff:: x 1 2\r\n"},
          v2_start + std::string{"\x20\x00\x00\x00", 4},
          v2_start + std::string{"\x21\x31\x00\x03"
                                 "abc",
                                 7}}) {
        Bytes input = bytes_of(said);
        const auto header = take_proxy_header(input);
        REQUIRE(header);
        REQUIRE(*header);
        CHECK_FALSE((*header)->source);
        CHECK(input.empty());
    }
}

TEST_CASE("what a version 2 header adds is skipped") {
    std::string said = v2_start + std::string{
                                      "\x21\x11\x00\x10\xcb\x00\x71\x07\xc0\x00\x02\x01"
                                      "\x12\x67\x01\xbb"
                                      "\x04\x00\x01x",
                                      20};
    said += "GET";
    Bytes input = bytes_of(said);
    const auto header = take_proxy_header(input);
    REQUIRE(header);
    CHECK((*header)->source == at("203.0.113.7", 4711));
    CHECK(text_of(input) == "GET");
}

TEST_CASE("malformed and endless PROXY headers are refused") {
    for (const std::string& said :
         {std::string{"GET / HTTP/1.1\r\n"}, std::string{"PROXX"}, std::string{"\r\n\r\nx"},
          std::string{"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n"},
          std::string{"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"},
          std::string{"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"},
          std::string{"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"},
          std::string{"PROXY TCP4 ::1 ::1 1 2\r\n"},
          std::string{"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"},
          std::string{"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n"},
          "PROXY UNKNOWN " + std::string(107, 'x'),
          v2_start + std::string{"\x31\x11\x00\x0c"} + std::string(12, 'x'),
          v2_start + std::string{"\x22\x11\x00\x0c", 4} + std::string(12, 'x'),
          v2_start + std::string{"\x21\x11\x00\x0b", 4} + std::string(11, 'x'),
          v2_start + std::string{"\x21\x21\x00\x0c", 4} + std::string(12, 'x'),
          v2_start + std::string{"\x21\x11\xff\xff", 4}}) {
        INFO(said);
        Bytes input = bytes_of(said);
        const auto header = take_proxy_header(input);
        CHECK_FALSE((header && *header));
        if (said.find("\x31\x11") == std::string::npos) CHECK_FALSE(header);
    }
}
