#include "common/protocols/http_head.h"

#include <doctest/doctest.h>

using namespace relay;

namespace {

Result<std::optional<HttpResponseHead>> read(std::string_view text) {
    HttpHeadReader reader;
    Bytes input = bytes_of(text);
    return reader.receive(input);
}

}  // namespace

TEST_CASE("a head is the same however it is cut") {
    const std::string_view text =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Empty:\r\n\r\nrest";
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
        CAPTURE(cut);
        HttpHeadReader reader;
        std::optional<HttpResponseHead> head;
        std::size_t at = 0;
        while (!head) {
            Bytes piece = bytes_of(text.substr(at, cut));
            const auto size = piece.size();
            auto result = reader.receive(piece);
            REQUIRE(result);
            at += size - piece.size();
            head = *result;
        }
        CHECK(head->status == 101);
        CHECK(head->reason == "Switching Protocols");
        REQUIRE(head->field("UPGRADE") != nullptr);
        CHECK(*head->field("upgrade") == "websocket");
        CHECK(*head->field("x-empty") == "");
        CHECK(head->field("absent") == nullptr);
        CHECK(text.substr(at) == "rest");
    }
}

TEST_CASE("a status line may lack its reason, and lines may end in LF alone") {
    for (const auto* text : {"HTTP/1.1 200\r\n\r\n", "HTTP/1.0 200 \n\n"}) {
        auto result = read(text);
        REQUIRE(result);
        REQUIRE(*result);
        CHECK((*result)->status == 200);
        CHECK((*result)->reason.empty());
    }
}

TEST_CASE("what is not an HTTP response head is refused") {
    for (const std::string_view text : {
             "SSH-2.0-OpenSSH_9.2\r\n",
             "H\n",
             "HTTP/2 200\r\n\r\n",
             "HTTP/1.1 2x0 OK\r\n\r\n",
             "HTTP/1.1 2000 OK\r\n\r\n",
             "HTTP/1.1  200 OK\r\n\r\n",
             "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
             "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
             "HTTP/1.1 200 OK\r\nspace in: name\r\n\r\n",
             "HTTP/1.1 200 OK\r\n folded: line\r\n\r\n",
             "HTTP/1.1 200 O\x01K\r\n\r\n",
             "HTTP/1.1 200 OK\r\na: b\x7f\r\n\r\n",
         }) {
        CAPTURE(text);
        auto result = read(text);
        REQUIRE(!result);
        CHECK(result.error().code == ErrorCode::Malformed);
    }
}

TEST_CASE("a head over 16 KiB is refused, one below it is read") {
    std::string text = "HTTP/1.1 200 OK\r\na: ";
    text.append(max_http_head - text.size() - 4, 'x');
    CHECK(read(text + "\r\n\r\n"));
    auto result = read(text + "x\r\n\r\n");
    REQUIRE(!result);
    CHECK(result.error().code == ErrorCode::TooLarge);
}

TEST_CASE("a token is found in a list whatever its case") {
    CHECK(list_has_token("keep-alive, Upgrade", "upgrade"));
    CHECK(list_has_token("UPGRADE", "upgrade"));
    CHECK(!list_has_token("upgraded", "upgrade"));
    CHECK(!list_has_token("", "upgrade"));
}
