#include "common/protocols/forwarded_for.h"

#include <doctest/doctest.h>

#include <string>

using namespace relay;

namespace {

const std::vector<Cidr> proxies = {*parse_cidr("127.0.0.1"), *parse_cidr("10.0.0.0/8")};

std::string behind(const char* hop, std::string_view field) {
    const auto client = client_behind(*parse_ip_address(hop), field, proxies);
    return client ? to_text(*client) : "?";
}

}  // namespace

TEST_CASE("the last address that is not a trusted proxy is the client's") {
    CHECK(behind("127.0.0.1", "203.0.113.7") == "203.0.113.7");
    CHECK(behind("127.0.0.1", "198.51.100.1, 203.0.113.7, 10.1.2.3") == "203.0.113.7");
    CHECK(behind("127.0.0.1", " 203.0.113.7:4711\t,10.0.0.1 ") == "203.0.113.7");
    CHECK(behind("127.0.0.1", "2001:db8::1") == "2001:db8::1");
    CHECK(behind("127.0.0.1", "[2001:db8::1]:443") == "2001:db8::1");
    CHECK(behind("127.0.0.1", "[2001:db8::1]") == "2001:db8::1");
}

TEST_CASE("what a client writes itself is not looked at") {
    CHECK(behind("127.0.0.1", "<script>, 10.9.9.9, 203.0.113.7") == "203.0.113.7");
    CHECK(behind("203.0.113.9", "198.51.100.1") == "203.0.113.9");
    CHECK(behind("203.0.113.9", "garbage") == "203.0.113.9");
}

TEST_CASE("without a word of theirs the proxies themselves are the client") {
    CHECK(behind("127.0.0.1", "") == "127.0.0.1");
    CHECK(behind("127.0.0.1", "10.0.0.7") == "10.0.0.7");
}

TEST_CASE("what counts in X-Forwarded-For and is no address is refused") {
    for (const char* field : {"unknown", "203.0.113.7,", "_hidden", "1.2.3", "[::1", "[::1]x",
                              "[1.2.3.4]5", ":80", "-", "203.0.113.7 203.0.113.8"}) {
        INFO(field);
        CHECK(behind("127.0.0.1", field) == "?");
    }
    CHECK(behind("127.0.0.1", std::string(max_forwarded_for, ' ') + "203.0.113.7") == "?");
}
