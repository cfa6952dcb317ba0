#include "common/wire/frame.h"

#include <doctest/doctest.h>

#include <string>

#include "common/wire/control_message.h"

using namespace relay;
using namespace relay::wire;

namespace {

ByteVector bytes_from(std::initializer_list<int> values) {
    ByteVector bytes;
    for (const int value : values) bytes.push_back(static_cast<std::uint8_t>(value));
    return bytes;
}

}  // namespace

TEST_CASE("a frame that was put is taken, piece by piece as it comes") {
    std::uint8_t room[64];
    ByteWriter writer{room};
    const std::uint8_t first[] = {1, 2}, second[] = {3};
    put_data(writer, 7, 1000, first, second);
    REQUIRE(writer.ok());
    for (std::size_t size = 0; size < writer.size(); ++size) {
        Bytes input = writer.written().first(size);
        const auto frame = take_frame(input);
        REQUIRE(frame);
        CHECK_FALSE(frame->has_value());
        CHECK(input.size() == size);
    }
    Bytes input = writer.written();
    const auto frame = take_frame(input);
    REQUIRE(frame);
    REQUIRE(frame->has_value());
    CHECK(input.empty());
    const auto data = parse_data((*frame)->payload);
    REQUIRE(data);
    CHECK(data->stream == 7);
    CHECK(data->offset == 1000);
    CHECK(vector_of(data->bytes) == bytes_from({1, 2, 3}));
}

TEST_CASE("malformed frames are refused") {
    const struct {
        const char* what;
        ByteVector input;
    } cases[] = {
        {"type 0", bytes_from({0, 0, 0})},
        {"a type between the known ones", bytes_from({0x0f, 0, 0})},
        {"a payload over its limit, before it has come", bytes_from({0x10, 0x40, 0x01})},
        {"a skipped type with a payload over its limit", bytes_from({0x80, 0xff, 0xff})},
    };
    for (const auto& [what, bytes] : cases) {
        CAPTURE(what);
        Bytes input = bytes;
        CHECK_FALSE(take_frame(input));
    }
}

TEST_CASE("unknown frames of later versions are skipped") {
    const ByteVector bytes = bytes_from({0x99, 0, 2, 1, 2, 0x13, 0, 0});
    Bytes input = bytes;
    const auto frame = take_frame(input);
    REQUIRE(frame);
    REQUIRE(frame->has_value());
    CHECK((*frame)->type == FrameType::Resumed);
    CHECK(input.empty());
}

TEST_CASE("payloads of a wrong length are refused") {
    const ByteVector payload(19, 0);
    CHECK_FALSE(parse_ack(payload));
    CHECK_FALSE(parse_rewind(payload));
    CHECK_FALSE(parse_token(payload));
    CHECK_FALSE(parse_data(Bytes{payload}.first(16)));
    CHECK_FALSE(parse_data(ByteVector(20, 0xff)));  // Past the last offset.
}

TEST_CASE("control messages come back as they were put") {
    std::uint8_t room[600];
    ByteWriter writer{room};
    put_control_message(writer, Open{4, 3389, "127.0.0.1", "203.0.113.7:50000"});
    put_control_message(writer, Connected{4});
    put_control_message(writer, Finish{4, 123456789012});
    put_control_message(writer, DoneMessage{4});
    put_control_message(writer, Reset{4, ResetReason::NotAllowed});
    REQUIRE(writer.ok());

    Bytes input = writer.written();
    const auto next = [&] {
        const auto message = take_control_message(input);
        REQUIRE(message);
        REQUIRE(message->has_value());
        return **message;
    };
    const auto first = next();
    const auto& open = std::get<Open>(first);
    CHECK(open.stream == 4);
    CHECK(open.port == 3389);
    CHECK(open.host == "127.0.0.1");
    CHECK(open.visitor == "203.0.113.7:50000");
    CHECK(std::get<Connected>(next()).stream == 4);
    CHECK(std::get<Finish>(next()).offset == 123456789012);
    CHECK(std::get<DoneMessage>(next()).stream == 4);
    CHECK(std::get<Reset>(next()).reason == ResetReason::NotAllowed);
    CHECK(input.empty());
}

TEST_CASE("an OPEN with a host that no log could show is refused") {
    for (const std::string_view host : {"", "a b", "a\nb", "\x1b[2J"}) {
        CAPTURE(host);
        std::uint8_t room[600];
        ByteWriter writer{room};
        put_control_message(writer, Open{4, 1, host, ""});
        Bytes input = writer.written();
        CHECK_FALSE(take_control_message(input));
    }
}

TEST_CASE("a reset for a reason of a later version is still a reset") {
    const ByteVector bytes = bytes_from({5, 0, 9, 0, 0, 0, 0, 0, 0, 0, 4, 200});
    Bytes input = bytes;
    const auto message = take_control_message(input);
    REQUIRE(message);
    REQUIRE(message->has_value());
    CHECK(std::get<Reset>(**message).reason == ResetReason::Internal);
}
