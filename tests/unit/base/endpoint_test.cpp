#include "common/base/endpoint.h"

#include <doctest/doctest.h>

using namespace relay;

TEST_CASE("the port of an endpoint follows from its scheme unless it is given") {
    const std::pair<std::string, std::string> samples[] = {
        {"wss://vps.example.com", "wss://vps.example.com:443"},
        {"ws://vps.example.com", "ws://vps.example.com:80"},
        {"tls://vps.example.com", "tls://vps.example.com:443"},
        {"wss://0.0.0.0:8443", "wss://0.0.0.0:8443"},
        {"wss://[::]", "wss://[::]:443"},
        {"wss://[2001:db8::1]:8443/relay", "wss://[2001:db8::1]:8443/relay"},
        {"wss://vps.example.com/", "wss://vps.example.com:443"},
        {"wss://vps.example.com/a/b?c=d", "wss://vps.example.com:443/a/b?c=d"},
        {"https+poll://vps.example.com", "https+poll://vps.example.com:443"},
        {"http+poll://[::1]/a/", "http+poll://[::1]:80/a/"},
        {"tls://vps.example.com/", "tls://vps.example.com:443"},
    };
    for (const auto& [text, whole] : samples) {
        CAPTURE(text);
        const auto endpoint = parse_endpoint(text);
        REQUIRE(endpoint);
        CHECK(to_text(*endpoint) == whole);
        CHECK(*parse_endpoint(whole) == *endpoint);
    }
}

TEST_CASE("malformed endpoints are refused") {
    for (const std::string wrong : {"",
                                    "wss",
                                    "wss:",
                                    "wss:/",
                                    "wss://",
                                    "wss:///path",
                                    "wss://:443",
                                    "https://host",
                                    "WSS://host",
                                    "host:443",
                                    "wss://host:",
                                    "wss://host:0",
                                    "wss://host:65536",
                                    "wss://host:1-2",
                                    "wss://::1",
                                    "wss://[::1",
                                    "wss://[::1]x",
                                    "wss://[host]",
                                    "wss://user@host",
                                    "wss://host name",
                                    "wss://host/a b",
                                    "wss://host/a#b",
                                    "wss://host?a",
                                    "tls://host/path",
                                    "wss://host/a\r\nX: y",
                                    "wss://wss://host",
                                    " wss://host"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_endpoint(wrong));
    }
}

TEST_CASE("an endpoint has at most 1024 characters, its port among them") {
    const auto with_path = [](const std::string& start, std::size_t size) {
        return parse_endpoint(start + std::string(size - start.size(), 'a'));
    };
    const auto longest = with_path("wss://host:443/", max_endpoint_size);
    REQUIRE(longest);
    CHECK(*parse_endpoint(to_text(*longest)) == *longest);
    CHECK(with_path("wss://host:443/", max_endpoint_size + 1).error().code == ErrorCode::TooLarge);
    CHECK(with_path("wss://host/", max_endpoint_size).error().code == ErrorCode::TooLarge);
}

TEST_CASE("a Host field has the port only where it is not the scheme's own") {
    CHECK(host_field(*parse_endpoint("wss://example.com/x")) == "example.com");
    CHECK(host_field(*parse_endpoint("ws://example.com:443")) == "example.com:443");
    CHECK(host_field(*parse_endpoint("http+poll://[::1]")) == "[::1]");
    CHECK(host_field(*parse_endpoint("https+poll://[::1]:80")) == "[::1]:80");
}
