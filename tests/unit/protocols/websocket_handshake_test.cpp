#include "common/protocols/websocket_handshake.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace relay;

namespace {

constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 1.3

HttpResponseHead good_answer() {
    return {101,
            "Switching Protocols",
            {{"Upgrade", "WebSocket"},
             {"Connection", "keep-alive, Upgrade"},
             {"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
             {"Sec-WebSocket-Protocol", "relayd.v1"}}};
}

class Zeros final : public Random {
public:
    void fill(MutableBytes bytes) override {
        std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
    }
};

}  // namespace

TEST_CASE("the accept value is that of RFC 6455's sample") {
    CHECK(websocket_accept_value(sample_key) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("a key is 16 bytes in base64") {
    Zeros zeros;
    CHECK(new_websocket_key(zeros) == "AAAAAAAAAAAAAAAAAAAAAA==");
}

TEST_CASE("a request has what RFC 6455 4.1 asks for") {
    const auto request =
        websocket_request({.host = "vps.example.com:8443", .path = "/x", .key = "K"});
    REQUIRE(request);
    CHECK(*request ==
          "GET /x HTTP/1.1\r\nHost: vps.example.com:8443\r\nUpgrade: websocket\r\n"
          "Connection: Upgrade\r\nSec-WebSocket-Key: K\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Protocol: relayd.v1\r\n\r\n");
    CHECK(!websocket_request({.host = "a\r\nb", .path = "/", .key = "K"}));
    CHECK(websocket_request({.host = "a", .path = "/", .key = "K", .fields = {"X-A: b c"}})
              ->ends_with("relayd.v1\r\nX-A: b c\r\n\r\n"));
    CHECK(!websocket_request({.host = "a", .path = "/", .key = "K", .fields = {"X-A: b\r\nX: y"}}));
    CHECK(!websocket_request({.host = "a", .path = "/", .key = "K", .fields = {"no colon"}}));
    CHECK(!websocket_request({.host = "a", .path = "/a b", .key = "K"}));
    CHECK(!websocket_request({.host = "a", .path = "x", .key = "K"}));
}

TEST_CASE("a good answer is accepted, and each fault in it refused") {
    CHECK(check_websocket_answer(good_answer(), sample_key));
    for (std::size_t missing = 0; missing < good_answer().fields.size(); ++missing) {
        auto answer = good_answer();
        answer.fields.erase(answer.fields.begin() + static_cast<std::ptrdiff_t>(missing));
        CHECK(!check_websocket_answer(answer, sample_key));
    }
    CHECK(!check_websocket_answer(good_answer(), "another key"));
    auto extended = good_answer();
    extended.fields.push_back({"Sec-WebSocket-Extensions", "permessage-deflate"});
    CHECK(!check_websocket_answer(extended, sample_key));
}

TEST_CASE("a refusal has the server's words") {
    const auto status = check_websocket_answer({404, "Not Found", {}}, sample_key);
    REQUIRE(!status);
    CHECK(status.error().text ==
          "the server answered 404 Not Found instead of opening a WebSocket");
}
