// Rules of PROTOCOL.md that the simulation's honest peers never break, and a few facts.
#include "common/session/session.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace relay;
using namespace std::chrono_literals;

namespace {

constexpr CarrierId carrier{1};

struct Peer {
    explicit Peer(Side side, SessionOptions options = {})
        : session(side, SessionId{1}, arena, options, TimePoint{}) {}

    std::unique_ptr<std::uint8_t[]> memory =
        std::make_unique_for_overwrite<std::uint8_t[]>(8 << 20);
    Arena arena{MutableBytes{memory.get(), 8 << 20}};
    Session session;

    ByteVector output(TimePoint now = {}) {
        ByteVector bytes;
        std::uint8_t room[16384];
        while (const std::size_t size = session.transmit(carrier, room, now)) {
            bytes.insert(bytes.end(), room, room + size);
        }
        return bytes;
    }

    Status input(Bytes bytes, TimePoint now = {}) { return session.receive(carrier, bytes, now); }

    template <typename What>
    std::optional<What> event() {
        while (const auto next = session.next_event()) {
            if (const auto* what = std::get_if<What>(&*next)) return *what;
        }
        return std::nullopt;
    }
};

// A relay and a home on one carrier, ready for data.
struct Pair {
    explicit Pair(SessionOptions options = {})
        : relay(Side::Relay, options), home(Side::Home, options) {
        relay.session.attach(carrier, {});
        home.session.attach(carrier, {});
        exchange();
    }

    void exchange(TimePoint now = {}) {
        for (int round = 0; round < 4; ++round) {
            REQUIRE(home.input(relay.output(now), now));
            REQUIRE(relay.input(home.output(now), now));
        }
    }

    Peer relay, home;
};

void write(Session& session, StreamId stream, std::string_view text) {
    const auto space = session.write_space(stream);
    REQUIRE(space[0].size() >= text.size());
    std::copy(text.begin(), text.end(), space[0].begin());
    session.wrote(stream, text.size());
}

ByteVector data_frame(std::uint64_t stream, std::uint64_t offset, std::size_t size) {
    ByteVector room(size + 64), bytes(size, 7);
    ByteWriter writer{room};
    wire::put_data(writer, stream, offset, bytes, {});
    return vector_of(writer.written());
}

}  // namespace

TEST_CASE("bytes may be written before the target is connected, and arrive behind the OPEN") {
    Pair pair;
    const auto stream = pair.relay.session.open({"127.0.0.1", 22, "192.0.2.1:5"}, {});
    REQUIRE(stream);
    write(pair.relay.session, *stream, "SSH-2.0");
    REQUIRE(pair.home.input(pair.relay.output()));
    const auto opened = pair.home.event<StreamOpened>();
    REQUIRE(opened);
    CHECK(opened->destination.host == "127.0.0.1");
    CHECK(opened->destination.port == 22);
    CHECK(opened->destination.visitor == "192.0.2.1:5");
    CHECK(text_of(pair.home.session.read_data(opened->stream)[0]) == "SSH-2.0");
}

TEST_CASE("both halves close, and then the stream is gone at both ends") {
    Pair pair;
    const StreamId stream = *pair.relay.session.open({"127.0.0.1", 22, ""}, {});
    write(pair.relay.session, stream, "last words");
    pair.relay.session.finish(stream);
    pair.exchange();
    CHECK_FALSE(pair.home.event<StreamFinished>());  // Not before they are consumed.
    pair.home.session.consumed(stream, 10, {});
    CHECK(pair.home.event<StreamFinished>());
    CHECK(pair.home.session.has(stream));
    write(pair.home.session, stream, "answer");
    pair.home.session.finish(stream);
    pair.exchange();
    pair.relay.session.consumed(stream, 6, {});
    pair.exchange();
    CHECK_FALSE(pair.relay.session.has(stream));
    CHECK_FALSE(pair.home.session.has(stream));
    CHECK(pair.relay.session.memory_bytes() <= wire::control_window_bytes);
}

TEST_CASE("a stalled reader holds its sender at the window, and nobody else") {
    Pair pair;
    const StreamId stalled = *pair.relay.session.open({"127.0.0.1", 1, ""}, {});
    const StreamId other = *pair.relay.session.open({"127.0.0.1", 2, ""}, {});
    while (const std::size_t room = pair.relay.session.write_space(stalled)[0].size()) {
        pair.relay.session.wrote(stalled, room);
        pair.exchange();
    }
    CHECK(pair.relay.session.info(stalled)->buffered_bytes == wire::window_initial_bytes);
    write(pair.relay.session, other, "x");
    pair.exchange();
    CHECK(pair.home.session.read_data(other)[0].size() == 1);
}

TEST_CASE("a stream that its ring alone holds back gets a larger one, and gives it back") {
    Peer relay{Side::Relay}, home{Side::Home};
    relay.session.attach(carrier, {});
    home.session.attach(carrier, {});
    TimePoint now{};
    // A path of 40 ms that swallows whatever it is given.
    const auto round_trip = [&] {
        const ByteVector down = relay.output(now), up = home.output(now);
        now += 20ms;
        REQUIRE(home.input(down, now));
        REQUIRE(relay.input(up, now));
        for (const StreamId stream : home.session.streams()) {
            for (const Bytes piece : home.session.read_data(stream)) {
                home.session.consumed(stream, piece.size(), now);
            }
        }
        const ByteVector answer = home.output(now), other = relay.output(now);
        now += 20ms;
        REQUIRE(relay.input(answer, now));
        REQUIRE(home.input(other, now));
    };
    round_trip();
    const StreamId stream = *relay.session.open({"127.0.0.1", 1, ""}, now);
    std::size_t sent_last = 0;
    for (int round = 0; round < 20; ++round) {
        sent_last = 0;
        while (const std::size_t room = relay.session.write_space(stream)[0].size()) {
            relay.session.wrote(stream, room);
            sent_last += room;
        }
        round_trip();
        now += 1ms;
    }
    CHECK(sent_last >= 1 << 20);
    now += 1s;
    round_trip();
    CHECK(relay.session.memory_bytes() <= wire::control_window_bytes);
    CHECK(home.session.memory_bytes() <= wire::control_window_bytes);
}

TEST_CASE("a ring that is full again soon gets room for whole turns, and on a slow path does not") {
    const auto room_at_last = [](Duration a_half_takes) {
        Pair pair;
        Session& session = pair.relay.session;
        const StreamId stream = *session.open({"127.0.0.1", 1, ""}, {});
        TimePoint now{};
        std::size_t room = 0;
        for (int round = 0; round < 40; ++round, now += a_half_takes) {
            while (const std::size_t size = session.write_space(stream)[0].size()) {
                session.wrote(stream, size);
            }
            room = session.info(stream)->buffered_bytes;
            // A half leaves, and others have their turn: the ring is never all that it waits for.
            std::uint8_t record[16384];
            for (std::size_t sent = 0; sent < room / 2;) {
                const std::size_t size = session.transmit(carrier, record, now);
                REQUIRE(size > 0);
                sent += size;
                REQUIRE(pair.home.input({record, size}, now));
            }
            for (const Bytes piece : pair.home.session.read_data(stream)) {
                pair.home.session.consumed(stream, piece.size(), now);
            }
            REQUIRE(pair.relay.input(pair.home.output(now + 1ms), now));
        }
        return room;
    };
    CHECK(room_at_last(1ms) == 4 * SessionOptions{}.ring_start_bytes);
    CHECK(room_at_last(20ms) == SessionOptions{}.ring_start_bytes);
}

TEST_CASE("what finds no room is dropped, asked for again, and arrives once") {
    Pair pair{{.ring_least_bytes = 256,
               .ring_start_bytes = 4096,
               .ring_most_bytes = 4096,
               .window_bytes = 4096,
               .memory_budget_bytes = 2048}};
    Session& sender = pair.relay.session;
    Session& receiver = pair.home.session;
    const StreamId stream = *sender.open({"127.0.0.1", 1, ""}, {});
    pair.exchange();
    // The sender's budget is as small, so the frames are made here: more than the receiver can
    // keep.
    REQUIRE(pair.home.input(data_frame(2, 0, 2000)));
    const auto kept = receiver.read_data(stream)[0].size();
    CHECK(kept == 1024);
    receiver.consumed(stream, kept, {});
    const ByteVector answer = pair.home.output(TimePoint{1s});
    bool asked = false;
    for (Bytes rest = answer; !rest.empty();) {
        const auto frame = wire::take_frame(rest);
        REQUIRE(frame);
        REQUIRE(frame->has_value());
        if ((*frame)->type != wire::FrameType::Rewind) continue;
        asked = true;
        CHECK(wire::parse_rewind((*frame)->payload)->offset == kept);
    }
    CHECK(asked);
    REQUIRE(pair.home.input(data_frame(2, 1024, 500)));
    CHECK(receiver.read_data(stream)[0].size() == 500);
}

TEST_CASE("a stream is never closed for being idle, and pings keep being answered") {
    Pair pair;
    const StreamId stream = *pair.relay.session.open({"127.0.0.1", 1, ""}, {});
    TimePoint now{};
    for (int hour = 0; hour < 24 * 1200; ++hour) {
        now += 3s;
        pair.relay.session.deadline_reached(now);
        pair.home.session.deadline_reached(now);
        pair.exchange(now);
    }
    CHECK(pair.relay.session.has(stream));
    CHECK(pair.home.session.has(stream));
}

TEST_CASE("without a carrier a session is over after its time, and says so") {
    Peer relay{Side::Relay, {.keep = 10s}};
    relay.session.attach(carrier, {});
    relay.session.detach(carrier, TimePoint{1s});
    CHECK(relay.session.deadline() == TimePoint{11s});
    relay.session.deadline_reached(TimePoint{11s});
    const auto over = relay.event<SessionOver>();
    REQUIRE(over);
    CHECK(over->reason == EndReason::Expired);
}

TEST_CASE("a goodbye reaches the peer with its reason") {
    for (const EndReason reason : {EndReason::Replaced, EndReason::Removed}) {
        Pair pair;
        const StreamId stream = *pair.relay.session.open({"127.0.0.1", 1, ""}, {});
        pair.exchange();
        pair.relay.session.end(reason);
        REQUIRE(pair.home.input(pair.relay.output()));
        const auto reset = pair.home.event<StreamReset>();
        REQUIRE(reset);
        CHECK(reset->stream == stream);
        CHECK(pair.home.event<SessionOver>()->reason == reason);
    }
}

TEST_CASE("bytes that fill every record do not hold up acknowledgements that are due") {
    Pair pair;
    const StreamId up = *pair.relay.session.open({"127.0.0.1", 1, ""}, {});
    pair.exchange();
    write(pair.home.session, up, "hello");
    REQUIRE(pair.relay.input(pair.home.output()));
    write(pair.relay.session, up, std::string(40000, 'x'));
    const TimePoint now{1s};
    pair.relay.session.consumed(up, 5, now);
    pair.relay.session.deadline_reached(now + 20ms);
    std::uint8_t room[16384];
    const std::size_t size = pair.relay.session.transmit(carrier, room, now + 20ms);
    CHECK(size > 16000);
    REQUIRE(pair.home.input({room, size}, now + 20ms));
    CHECK(pair.home.session.info(up)->bytes_sent == 5);
}

TEST_CASE("broken rules end the session") {
    const struct {
        std::string what;
        ByteVector bytes;
    } cases[] = {
        {"data for a stream never opened", data_frame(8, 0, 1)},
        {"data for a stream of our own number, never opened", data_frame(9, 0, 1)},
        {"a gap in the control stream", data_frame(0, 1000, 1)},
        {"a gap in a stream", data_frame(2, 1, 1)},
        {"a handshake frame", {0x01, 0, 0}},
        {"an unknown frame", {0x7f, 0, 0}},
        {"a BYE of a wrong length", {0x16, 0, 0}},
    };
    for (const auto& [what, bytes] : cases) {
        CAPTURE(what);
        Pair pair;
        const auto stream = pair.relay.session.open({"127.0.0.1", 1, ""}, {});
        REQUIRE(stream->value == 2);
        pair.exchange();
        CHECK_FALSE(pair.home.input(bytes));
        CHECK(pair.home.session.over());
        CHECK(pair.home.event<SessionOver>()->reason == EndReason::ProtocolError);
    }
}

TEST_CASE("no message is about the control stream") {
    const wire::ControlMessage messages[] = {wire::Connected{0}, wire::Finish{0, 0},
                                             wire::DoneMessage{0},
                                             wire::Reset{0, ResetReason::PeerReset}};
    for (const auto& message : messages) {
        CAPTURE(message.index());
        ByteVector text(64), room(128);
        ByteWriter said{text}, frame{room};
        wire::put_control_message(said, message);
        wire::put_data(frame, 0, 0, said.written(), {});
        Pair pair;
        CHECK_FALSE(pair.home.input(frame.written()));
        CHECK(pair.home.event<SessionOver>()->reason == EndReason::ProtocolError);
    }
}

TEST_CASE("more bytes than credit end the session") {
    Pair pair{{.ring_start_bytes = 1024, .window_bytes = 1024}};
    REQUIRE(pair.relay.session.open({"127.0.0.1", 1, ""}, {}));
    pair.exchange();
    REQUIRE(pair.home.input(data_frame(2, 0, 1024)));
    CHECK_FALSE(pair.home.input(data_frame(2, 1024, 1)));
}

TEST_CASE("streams over the limit are refused one by one") {
    Pair pair{{.streams_max = 3}};
    for (int i = 0; i < 3; ++i) REQUIRE(pair.relay.session.open({"127.0.0.1", 1, ""}, {}));
    const auto fourth = pair.relay.session.open({"127.0.0.1", 1, ""}, {});
    REQUIRE_FALSE(fourth);
    CHECK(fourth.error().code == ErrorCode::TooLarge);
}

TEST_CASE("a peer that opens streams for ever and takes no refusal breaks a rule") {
    Peer relay{Side::Relay, {.streams_max = 16}};
    relay.session.attach(carrier, {});
    REQUIRE(relay.input(ByteVector{0x13, 0, 0}));  // RESUMED
    std::uint64_t stream = 1, offset = 0;
    for (bool taken = true; taken; stream += 2) {
        std::uint8_t message_room[64], frame_room[128];
        ByteWriter message{message_room}, frame{frame_room};
        wire::put_control_message(message, wire::Open{stream, 22, "127.0.0.1", "v"});
        wire::put_data(frame, 0, offset, message.written(), {});
        offset += message.size();
        taken = bool(relay.input(frame.written()));
        (void)relay.output();
        while (relay.session.next_event()) {
        }
        REQUIRE(stream < 200000);
    }
    CHECK(relay.session.over());
    CHECK(stream > 2 * wire::streams_max);  // Long after an honest one would have read.
}

TEST_CASE("what was written before a reset arrives before the reset") {
    Pair pair;
    const StreamId stream = *pair.relay.session.open({"127.0.0.1", 22, ""}, {});
    pair.exchange();
    write(pair.home.session, stream, "go away");
    pair.home.session.reset(stream, ResetReason::PeerReset);
    CHECK_FALSE(pair.home.session.has(stream));
    std::uint8_t room[16384];
    std::string heard;
    while (const std::size_t size = pair.home.session.transmit(carrier, room, {})) {
        REQUIRE(pair.relay.input({room, size}));
        heard += text_of(pair.relay.session.read_data(stream)[0]);
        pair.relay.session.consumed(stream, heard.size(), {});
    }
    CHECK(heard == "go away");
    const auto reset = pair.relay.event<StreamReset>();
    REQUIRE(reset);
    CHECK(reset->reason == ResetReason::PeerReset);
    CHECK(pair.home.session.memory_bytes() <= wire::control_window_bytes);
}
