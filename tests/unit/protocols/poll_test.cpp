#include <doctest/doctest.h>

#include <random>

#include "common/protocols/poll_answerer.h"
#include "common/protocols/poll_asker.h"
#include "common/protocols/poll_message.h"
#include "common/protocols/poll_uplink.h"

using namespace relay;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1h};

ByteVector numbered(std::uint64_t offset, std::size_t size) {
    ByteVector bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        const std::uint64_t at = offset + i;
        bytes[i] = static_cast<std::uint8_t>(at * 7 + (at >> 8) * 13 + (at >> 16));
    }
    return bytes;
}

}  // namespace

TEST_CASE("a path of a tunnel survives being written and read, behind any prefix") {
    PollRequest request{.kind = PollRequest::Kind::Up, .ticket = 17, .at = 65536, .done = 3};
    for (std::size_t i = 0; i < request.tunnel.size(); ++i) {
        request.tunnel[i] = static_cast<std::uint8_t>(i * 17);
    }
    for (const char* prefix : {"", "/a/b", "/relayd-poll/x"}) {
        const auto path = poll_path(prefix, request);
        CHECK(is_poll_path(path));
        CHECK(parse_poll_path(path) == request);
    }
    CHECK(poll_path("", request) == "/relayd-poll/00112233445566778899aabbccddeeff/up/17/65536/3");
}

TEST_CASE("what is not quite a path of a tunnel is none") {
    const std::string id = "00112233445566778899aabbccddeeff";
    CHECK(parse_poll_path("/relayd-poll/" + id + "/down/1/2/3"));
    CHECK_FALSE(is_poll_path("/"));
    for (const std::string& bad :
         {std::string{"/relayd-poll/"}, "/relayd-poll/" + id, "/relayd-poll/" + id + "/down/1/2",
          "/relayd-poll/" + id + "/down/1/2/3/4", "/relayd-poll/" + id + "/sideways/1/2/3",
          "/relayd-poll/" + id + "/down/1/2/9223372036854775808",
          "/relayd-poll/" + id + "/down/-1/2/3", "/relayd-poll/" + id + "/down/1//3",
          "/relayd-poll/" + id.substr(2) + "/down/1/2/3", "/relayd-poll/" + id + "00/down/1/2/3",
          "/relayd-poll/" + id.substr(2) + "XY/down/1/2/3"}) {
        CHECK_MESSAGE(!parse_poll_path(bad), bad);
    }
}

TEST_CASE("an answer survives being written and read, and a page of HTML is none") {
    const auto bytes = numbered(5, 100);
    auto body =
        poll_answer({.kind = PollAnswer::Kind::Piece, .offset = 77, .ended = true, .bytes = bytes});
    const auto answer = parse_poll_answer(body);
    REQUIRE(answer);
    CHECK(answer->kind == PollAnswer::Kind::Piece);
    CHECK(answer->offset == 77);
    CHECK(answer->ended);
    CHECK(vector_of(answer->bytes) == bytes);
    body = poll_answer({.kind = PollAnswer::Kind::Taken, .offset = 99});
    CHECK(parse_poll_answer(body)->offset == 99);
    body.push_back(0);
    CHECK_FALSE(parse_poll_answer(body));
    CHECK_FALSE(parse_poll_answer(bytes_of("<html><body>Access denied</body></html>")));
    CHECK_FALSE(parse_poll_answer(bytes_of("RLP1\x09")));
    CHECK_FALSE(parse_poll_answer({}));
}

TEST_CASE("pieces come into order, whatever order they come in") {
    PollInlet inlet{poll_window_bytes};
    CHECK(inlet.store(100, numbered(100, 50)));
    CHECK(inlet.ready().empty());
    CHECK(inlet.store(120, numbered(120, 80)));
    CHECK(inlet.store(0, numbered(0, 110)));
    CHECK(vector_of(inlet.ready()) == numbered(0, 200));
    inlet.consume(150);
    CHECK(inlet.store(10, numbered(10, 20)));
    CHECK(vector_of(inlet.ready()) == numbered(150, 50));
    CHECK_FALSE(inlet.store(150 + poll_window_bytes, numbered(0, 1)));
    CHECK_FALSE(inlet.store(std::uint64_t{1} << 62, numbered(0, 1)));
    CHECK(inlet.store(149 + poll_window_bytes, numbered(0, 1)));
}

TEST_CASE("a tiny piece for every byte does not fill memory with pieces") {
    PollInlet inlet{poll_window_bytes};
    unsigned kept = 0;
    for (std::uint64_t at = 2; at < 2000; at += 2) kept += inlet.store(at, numbered(at, 1)) ? 1 : 0;
    CHECK(kept == 512);
}

TEST_CASE("a body that is too large is halved, down to 1 KiB, and loses nothing") {
    PollUplink uplink;
    uplink.write(numbered(0, 64 * 1024));
    std::uint64_t ticket = 0;
    while (uplink.body_most() > poll_body_least_bytes) {
        const auto post = uplink.next(++ticket, start);
        REQUIRE(post);
        const auto before = uplink.body_most();
        uplink.failed(ticket, PollFailure::TooLarge, start);
        CHECK(uplink.body_most() == before / 2);
    }
    std::uint64_t taken = 0;
    for (int i = 0; i < 64; ++i) {
        const auto post = uplink.next(++ticket, start + 1h);
        REQUIRE(post);
        CHECK(post->offset == taken);
        CHECK(vector_of(post->body) == numbered(taken, 1024));
        taken += post->body.size();
        CHECK(uplink.taken(ticket, taken));
    }
    CHECK(uplink.unacknowledged() == 0);
}

TEST_CASE("a body that is cut again and again is halved, and bodies grow back later") {
    PollUplink uplink;
    uplink.write(numbered(0, 4096));
    TimePoint now = start;
    for (std::uint64_t ticket = 1; ticket <= 3; ++ticket) {
        REQUIRE(uplink.next(ticket, now));
        uplink.failed(ticket, PollFailure::Cut, now);
        CHECK_FALSE(uplink.next(ticket, now));
        REQUIRE(uplink.deadline());
        now = *uplink.deadline();
    }
    CHECK(uplink.body_most() == 2048);
    CHECK(uplink.failing_since() == start);
    std::uint64_t taken = 0;
    for (std::uint64_t ticket = 10; uplink.body_most() < poll_body_most_bytes; ++ticket) {
        uplink.write(numbered(taken, uplink.room()));
        const auto post = uplink.next(ticket, now);
        REQUIRE(post);
        taken = post->offset + post->body.size();
        REQUIRE(uplink.taken(ticket, taken));
    }
    CHECK_FALSE(uplink.failing_since());
}

TEST_CASE("small writes gather while others are under way") {
    PollUplink uplink;
    for (std::uint64_t ticket = 1; ticket <= 2; ++ticket) {
        uplink.write(numbered(0, 10));
        CHECK(uplink.next(ticket, start));
    }
    uplink.write(numbered(0, 10));
    CHECK_FALSE(uplink.next(3, start));
    uplink.write(numbered(0, poll_body_most_bytes));
    CHECK(uplink.next(3, start)->body.size() == poll_body_most_bytes);
    CHECK_FALSE(uplink.taken(1, std::uint64_t{1} << 20));
}

TEST_CASE("a number that is asked for again gets the same bytes again") {
    PollAnswerer relay;
    relay.down(ExchangeId{1}, 0, 0, start);
    CHECK_FALSE(relay.next_answer());
    relay.write(numbered(0, 10));
    const auto first = relay.next_answer();
    REQUIRE(first);
    relay.write(numbered(10, 10));
    relay.down(ExchangeId{2}, 1, 0, start);
    relay.down(ExchangeId{3}, 0, 0, start);
    const auto second = relay.next_answer();
    const auto again = relay.next_answer();
    REQUIRE(second);
    REQUIRE(again);
    CHECK(again->body == first->body);
    CHECK(parse_poll_answer(second->body)->offset == 10);
    // Once both are done, their bytes are forgotten.
    CHECK(relay.room() == poll_window_bytes - 20);
    relay.down(ExchangeId{4}, 2, 2, start);
    CHECK(relay.room() == poll_window_bytes);
    relay.down(ExchangeId{5}, 2 + poll_numbers_ahead, 2, start);
    CHECK(parse_poll_answer(relay.next_answer()->body)->kind == PollAnswer::Kind::Gone);
}

TEST_CASE("a number whose request was lost does not wait behind a window that others have filled") {
    PollAnswerer relay;
    relay.down(ExchangeId{1}, 1, 0, start);  // That of 0 has not arrived.
    relay.down(ExchangeId{2}, 2, 0, start);
    const auto window = relay.room();
    relay.write(numbered(0, window));
    std::uint64_t number = 3;
    while (relay.next_answer()) relay.down(ExchangeId{number}, number, 0, start), ++number;
    CHECK(relay.room() == 0);
    relay.down(ExchangeId{99}, 0, 0, start);
    const auto late = relay.next_answer();
    REQUIRE(late);
    CHECK(late->exchange == ExchangeId{99});
    CHECK(parse_poll_answer(late->body)->bytes.empty());
    relay.down(ExchangeId{100}, number, number, start);
    CHECK(relay.room() == window);
}

TEST_CASE("who waits long is answered with nothing, and loses nothing") {
    PollAnswerer relay;
    relay.down(ExchangeId{1}, 0, 0, start);
    relay.up(ExchangeId{2}, 0, numbered(0, 5), 0, start);
    CHECK(relay.waiting() == 2);
    REQUIRE(relay.deadline() == start + poll_hold);
    relay.deadline_reached(start + poll_hold);
    const auto taken = relay.next_answer();
    const auto bytes = relay.next_answer();
    REQUIRE(taken);
    REQUIRE(bytes);
    CHECK(parse_poll_answer(taken->body)->offset == 0);
    CHECK(parse_poll_answer(bytes->body)->bytes.empty());
    CHECK(relay.waiting() == 0);
    relay.consume(5);
    relay.up(ExchangeId{3}, 0, numbered(0, 5), 0, start);
    CHECK(parse_poll_answer(relay.next_answer()->body)->offset == 5);
}

TEST_CASE("the end of a tunnel comes behind its last byte") {
    PollAnswerer relay;
    PollAsker client;
    REQUIRE(client.next(1, start) == 0);
    relay.write(numbered(0, 3));
    relay.end();
    relay.down(ExchangeId{1}, 0, client.done(), start);
    const auto last = relay.next_answer();
    CHECK(client.answered(1, *parse_poll_answer(last->body)));
    CHECK_FALSE(client.is_over());
    client.consume(3);
    CHECK(client.is_over());
}
