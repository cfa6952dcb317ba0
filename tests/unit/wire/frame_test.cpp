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

TEST_CASE(
    "messages about forwards come back as they were put, unknown ones beside them are skipped") {
    std::uint8_t room[2000];
    ByteWriter writer{room};
    put_control_message(writer, Open{4, 80, "localhost", "[2001:db8::1]:5", "0.0.0.0:8080"});
    put_control_message(writer, Forwards{256});
    put_control_message(writer, Forward{5000, 6000, 30, true, "127.0.0.1", "192.168.1.10", "ssh"});
    put_control_message(writer, Forward{.port = 21,
                                        .target_port = 21,
                                        .grace_s = 30,
                                        .proxy_protocol = false,
                                        .address = "0.0.0.0",
                                        .target = "127.0.0.1",
                                        .probe = "",
                                        .ftp = FtpWish{true, 22000, 22004}});
    writer.u8(0x84);
    writer.u16(2);
    writer.u16(0);
    put_control_message(writer,
                        ForwardState{5000, ForwardStateKind::Denied, "127.0.0.1", "not permitted"});
    put_control_message(writer, ForwardsAgain{});
    REQUIRE(writer.ok());

    Bytes input = writer.written();
    const auto next = [&] {
        const auto message = take_control_message(input);
        REQUIRE(message);
        REQUIRE(message->has_value());
        return **message;
    };
    const auto first = next();
    CHECK(std::get<Open>(first).listener == "0.0.0.0:8080");
    CHECK(std::get<Open>(first).visitor == "[2001:db8::1]:5");
    CHECK(std::get<Forwards>(next()).count == 256);
    const auto third = next();
    const auto& forward = std::get<Forward>(third);
    CHECK(forward.port == 5000);
    CHECK(forward.target_port == 6000);
    CHECK(forward.grace_s == 30);
    CHECK(forward.proxy_protocol);
    CHECK(forward.address == "127.0.0.1");
    CHECK(forward.target == "192.168.1.10");
    CHECK(forward.probe == "ssh");
    CHECK_FALSE(forward.ftp);
    const auto to_ftp = next();
    const auto& ftp = std::get<Forward>(to_ftp).ftp;
    REQUIRE(ftp);
    CHECK(ftp->refuses_tls);
    CHECK(ftp->first_data_port == 22000);
    CHECK(ftp->last_data_port == 22004);
    const auto fourth = next();
    CHECK(std::get<ForwardState>(fourth).state == ForwardStateKind::Denied);
    CHECK(std::get<ForwardState>(fourth).why == "not permitted");
    CHECK(std::holds_alternative<ForwardsAgain>(next()));
    CHECK(input.empty());
}

TEST_CASE("an OPENSEALED has a key, and perhaps a listener") {
    const std::array<std::uint8_t, visitor_key_bytes> key{1, 2, 3};
    for (const std::string listener : {"", "0.0.0.0:8080"}) {
        std::uint8_t room[200];
        ByteWriter writer{room};
        put_control_message(writer, Open{4, 80, "localhost", "alice", listener, key});
        REQUIRE(writer.ok());
        CHECK(room[0] == 7);
        Bytes input = writer.written();
        const auto message = take_control_message(input);
        REQUIRE((message && *message));
        const auto& open = std::get<Open>(**message);
        CHECK(open.listener == listener);
        CHECK(vector_of(open.sealed_for) == vector_of(key));
        // Without all of its key it is none.
        room[2] = static_cast<std::uint8_t>(room[2] - 1);
        Bytes shorter = writer.written();
        CHECK_FALSE(take_control_message(shorter));
    }
}

TEST_CASE("absurd messages about forwards are refused") {
    const auto is_refused = [](const ControlMessage& message) {
        std::uint8_t room[2000];
        ByteWriter writer{room};
        put_control_message(writer, message);
        Bytes input = writer.written();
        return !take_control_message(input);
    };
    const std::string long_address(129, '1'), long_target(256, 'a'), long_probe(17, 'p'),
        long_why(257, 'w');
    CHECK(is_refused(Forwards{257}));
    CHECK(is_refused(Forward{1, 1, 0, false, long_address, "a", ""}));
    CHECK(is_refused(Forward{1, 1, 0, false, "127.0.0.1\x1b[2J", "a", ""}));
    CHECK(is_refused(Forward{1, 1, 0, false, "127.0.0.1", long_target, ""}));
    CHECK(is_refused(Forward{1, 1, 0, false, "127.0.0.1", "a b", ""}));
    CHECK(is_refused(Forward{1, 1, 0, false, "127.0.0.1", "a", long_probe}));
    CHECK(is_refused(ForwardState{1, ForwardStateKind{0}, "127.0.0.1", ""}));
    CHECK(is_refused(ForwardState{1, ForwardStateKind{4}, "127.0.0.1", ""}));
    CHECK(is_refused(ForwardState{1, ForwardStateKind::Waiting, long_address, ""}));
    CHECK(is_refused(ForwardState{1, ForwardStateKind::Waiting, "127.0.0.1", long_why}));
    CHECK(is_refused(Open{4, 80, "a", "b", long_address}));
    CHECK_FALSE(is_refused(Forward{0, 0, 0, false, "", "", ""}));  // Its reader judges it.
    // A longer one than it says, and an OPEN FOR nobody.
    const ByteVector longer = bytes_from({0x83, 0, 1, 0});
    Bytes input = longer;
    CHECK_FALSE(take_control_message(input));
    const ByteVector nobody =
        bytes_from({6, 0, 17, 0, 0, 0, 0, 0, 0, 0, 4, 0, 80, 0, 1, 'a', 0, 0, 0, 0});
    input = nobody;
    CHECK_FALSE(take_control_message(input));
}

TEST_CASE("a reset for a reason of a later version is still a reset") {
    const ByteVector bytes = bytes_from({5, 0, 9, 0, 0, 0, 0, 0, 0, 0, 4, 200});
    Bytes input = bytes;
    const auto message = take_control_message(input);
    REQUIRE(message);
    REQUIRE(message->has_value());
    CHECK(std::get<Reset>(**message).reason == ResetReason::Internal);
}
