#include "common/protocols/site_requests.h"

#include <doctest/doctest.h>

using namespace relay;

namespace {

SiteRequests site() {
    return SiteRequests{
        {.client = [](std::string_view) { return std::string{"203.0.113.7"}; },
         .is_ours = [](const HttpRequestHead& head) { return head.target == "/relayd"; }}};
}

// What the server gets, when the client's bytes come `step` at a time; "?" for an error.
std::string passed(std::string_view said, std::size_t step = 1) {
    auto requests = site();
    ByteVector kept, output;
    for (std::size_t at = 0; at < said.size(); at += step) {
        const auto bytes = bytes_of(said.substr(at, step));
        kept.insert(kept.end(), bytes.begin(), bytes.end());
        Bytes input = kept;
        if (!requests.receive(input, output, std::size_t{1} << 20)) return "?";
        kept.assign(input.begin(), input.end());
    }
    return std::string{text_of(output)};
}

const std::string ours = "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\r\n";

}  // namespace

TEST_CASE("requests of a site go on with the client's address, one after another") {
    const std::string get = "GET /a?b HTTP/1.1\r\nHost: x\r\n";
    const std::string post = "POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n";
    const std::string said = get + "\r\n" + post + "\r\nhello\r\n" + get + "\r\n";
    const std::string wanted = get + ours + post + ours + "hello" + get + ours;
    for (const std::size_t step : {1, 2, 3, 7, 64, 1000}) CHECK(passed(said, step) == wanted);
}

TEST_CASE("chunks go on without what they may carry besides") {
    const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n";
    CHECK(
        passed(
            head +
            "\r\n5;x=y\r\nhello\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\nGET / HTTP/1.0\r\n\r\n") ==
        head + ours + "5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.0\r\n" + ours);
}

TEST_CASE("what a client claims of itself goes no further") {
    CHECK(passed("GET / HTTP/1.1\r\nx-forwarded-for: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n"
                 "X_Real_IP: 1.2.3.4\r\nX-Forwarded-Proto: http\r\n"
                 "Connection: keep-alive, X-Forwarded-For\r\nUpgrade: h2c\r\nHTTP2-Settings: "
                 "A\r\n\r\n") == "GET / HTTP/1.1\r\nConnection: keep-alive\r\n" + ours);
}

TEST_CASE("a WebSocket of the site passes once the server agrees, and only then") {
    const std::string said =
        "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    for (const bool agrees : {false, true}) {
        auto requests = site();
        ByteVector output;
        Bytes input = bytes_of(said);
        REQUIRE(requests.receive(input, output, 1000));
        const std::string more = "GET / HTTP/1.1\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n";
        Bytes behind = bytes_of(more);
        output.clear();
        REQUIRE(requests.receive(behind, output, 1000));
        CHECK(output.empty());
        for (const char letter : std::string_view{agrees ? "HTTP/1.1 101 S" : "HTTP/1.1 200 OK"}) {
            requests.answered(bytes_of({&letter, 1}));
        }
        CHECK(requests.is_raw() == agrees);
        REQUIRE(requests.receive(behind, output, 1000));
        CHECK(text_of(output) == (agrees ? more : "GET / HTTP/1.1\r\n" + ours));
    }
}

TEST_CASE("requests that can be read in two ways are refused") {
    for (const char* said :
         {"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
          "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
          "GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
          "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
          "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
          "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
          "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
          "CONNECT x:1 HTTP/1.1\r\n\r\n", "GET /relayd HTTP/1.1\r\n\r\n",
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"}) {
        INFO(said);
        CHECK(passed(said, 1000) == "?");
    }
    CHECK(passed("GET / HTTP/1.1\r\nA: " + std::string(max_http_head, 'x'), 1000) == "?");
}
