#include "common/protocols/websocket.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace relay;

namespace {

constexpr WebSocketMask sample_mask{0x37, 0xfa, 0x21, 0x3d};

ByteVector frame(WebSocketOpcode opcode, std::string_view payload,
                 std::optional<WebSocketMask> mask) {
    ByteVector bytes(max_websocket_header);
    bytes.resize(put_websocket_header(bytes, opcode, payload.size(), mask));
    const auto start = bytes.size();
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    if (mask) apply_websocket_mask(MutableBytes{bytes}.subspan(start), *mask, 0);
    return bytes;
}

struct Reading {
    std::string payload;
    std::vector<std::string> pings;
    std::optional<std::string> close;
    std::optional<Error> error;
};

// `cut` yields the size of each next piece of input.
template <typename Cut>
Reading read(WebSocketRole own_role, ByteVector bytes, Cut cut) {
    Reading reading;
    WebSocketReader reader{own_role};
    MutableBytes rest{bytes};
    while (!rest.empty()) {
        const std::size_t size = std::min<std::size_t>(cut(), rest.size());
        MutableBytes input = rest.first(size);
        rest = rest.subspan(size);
        while (true) {
            auto piece = reader.next(input);
            if (!piece) {
                reading.error = piece.error();
                return reading;
            }
            if (!*piece) break;
            const std::string text{text_of((*piece)->bytes)};
            switch ((*piece)->kind) {
                case WebSocketPiece::Kind::Payload: reading.payload += text; break;
                case WebSocketPiece::Kind::Ping: reading.pings.push_back(text); break;
                case WebSocketPiece::Kind::Close: reading.close = text; return reading;
            }
        }
        CHECK(input.empty());
    }
    return reading;
}

Reading read_whole(WebSocketRole own_role, ByteVector bytes) {
    return read(own_role, std::move(bytes), [] { return std::size_t{1} << 30; });
}

void append(ByteVector& to, const ByteVector& from) {
    to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

TEST_CASE("frames of all lengths come through, masked and not, however they are cut") {
    for (unsigned seed = 0; seed < 50; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        for (const auto own_role : {WebSocketRole::Client, WebSocketRole::Server}) {
            const auto mask = own_role == WebSocketRole::Server ? std::optional{sample_mask}
                                                                : std::optional<WebSocketMask>{};
            ByteVector bytes;
            std::string sent;
            for (const std::size_t size : {0U, 1U, 7U, 125U, 126U, 300U, 0xffffU, 0x10000U}) {
                std::string payload(size, ' ');
                for (auto& letter : payload) letter = static_cast<char>(random());
                append(bytes, frame(WebSocketOpcode::Binary, payload, mask));
                append(bytes, frame(WebSocketOpcode::Ping, "p" + std::to_string(size), mask));
                append(bytes, frame(WebSocketOpcode::Pong, "ignored", mask));
                sent += payload;
            }
            append(bytes, frame(WebSocketOpcode::Close, "\x03\xe8 bye", mask));
            const auto reading =
                read(own_role, bytes, [&] { return seed == 0 ? 1 : random() % 3000 + 1; });
            CHECK(!reading.error);
            CHECK(reading.payload == sent);
            CHECK(reading.pings.size() == 8);
            CHECK(reading.pings.back() == "p65536");
            CHECK(reading.close == "\x03\xe8 bye");
        }
    }
}

TEST_CASE("a message in fragments is one stream, with a ping between them") {
    ByteVector bytes = frame(WebSocketOpcode::Binary, "ab", {});
    bytes[0] = 0x02;  // No FIN.
    append(bytes, frame(WebSocketOpcode::Ping, "", {}));
    append(bytes, frame(WebSocketOpcode::Continuation, "cd", {}));
    const auto reading = read_whole(WebSocketRole::Client, bytes);
    CHECK(!reading.error);
    CHECK(reading.payload == "abcd");
    CHECK(reading.pings.size() == 1);
}

TEST_CASE("malformed frames are refused") {
    const ByteVector cases[] = {
        {0xc2, 0x00},  // A reserved bit.
        {0x81, 0x00},  // Text.
        {0x83, 0x00},  // Unknown opcodes.
        {0x8b, 0x00},
        {0x80, 0x00},                            // A continuation of nothing.
        {0x02, 0x00, 0x82, 0x00},                // A message inside another.
        {0x09, 0x00},                            // A ping in fragments.
        {0x89, 126, 0, 126},                     // A ping over 125 bytes.
        {0x82, 0x80, 0, 0, 0, 0},                // A mask from a server.
        {0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 1},  // Over 1 MiB.
        {0x82, 127, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
    };
    for (const auto& bytes : cases) {
        CAPTURE(bytes[0]);
        CHECK(read_whole(WebSocketRole::Client, bytes).error);
    }
    CHECK(read_whole(WebSocketRole::Server, {0x82, 0x01, 'x'}).error);  // No mask from a client.
}

TEST_CASE("a zero mask leaves the bytes as they are") {
    const auto bytes = frame(WebSocketOpcode::Binary, "plain", WebSocketMask{});
    CHECK(text_of(Bytes{bytes}.subspan(6)) == "plain");
    CHECK(read_whole(WebSocketRole::Server, bytes).payload == "plain");
}

TEST_CASE("the header's size is known before it is written") {
    for (const std::size_t size : {0U, 125U, 126U, 0xffffU, 0x10000U}) {
        ByteVector room(max_websocket_header);
        CHECK(put_websocket_header(room, WebSocketOpcode::Binary, size, sample_mask) ==
              websocket_header_size(size, WebSocketRole::Client));
        CHECK(put_websocket_header(room, WebSocketOpcode::Binary, size, {}) ==
              websocket_header_size(size, WebSocketRole::Server));
    }
}
