// Carriers side by side: who sends where, and what becomes of it when one dies.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "common/session/session.h"

using namespace relay;
using namespace std::chrono_literals;

namespace {

constexpr CarrierId first{1}, second{2};

struct Peer {
    explicit Peer(Side side) : session(side, SessionId{1}, arena, {}, TimePoint{}) {}

    std::unique_ptr<std::uint8_t[]> memory =
        std::make_unique_for_overwrite<std::uint8_t[]>(8 << 20);
    Arena arena{MutableBytes{memory.get(), 8 << 20}};
    Session session;

    ByteVector output(CarrierId carrier, TimePoint now = {}) {
        ByteVector bytes;
        std::uint8_t room[16384];
        while (const std::size_t size = session.transmit(carrier, room, now)) {
            bytes.insert(bytes.end(), room, room + size);
        }
        return bytes;
    }

    void input(CarrierId carrier, Bytes bytes, TimePoint now = {}) {
        REQUIRE(session.receive(carrier, bytes, now));
    }

    void write(StreamId stream, std::string_view text) {
        const auto space = session.write_space(stream);
        REQUIRE(space[0].size() >= text.size());
        std::copy(text.begin(), text.end(), space[0].begin());
        session.wrote(stream, text.size());
    }

    std::string read(StreamId stream, TimePoint now = {}) {
        std::string text;
        for (const Bytes piece : session.read_data(stream)) text.append(piece.begin(), piece.end());
        session.consumed(stream, text.size(), now);
        return text;
    }

    CarrierId carrier_of(StreamId stream) { return *session.info(stream)->carrier; }
};

struct Pair {
    Pair() {
        attach(first);
        attach(second);
    }

    void attach(CarrierId carrier) {
        relay.session.attach(carrier, {});
        home.session.attach(carrier, {});
        for (int round = 0; round < 3; ++round) exchange(carrier);
    }

    void exchange(CarrierId carrier, TimePoint now = {}) {
        home.input(carrier, relay.output(carrier, now), now);
        relay.input(carrier, home.output(carrier, now), now);
    }

    void exchange_both(TimePoint now = {}) {
        for (int round = 0; round < 3; ++round) {
            exchange(first, now);
            exchange(second, now);
        }
    }

    // That both know, with its socket connected.
    StreamId open() {
        const StreamId stream = *relay.session.open({"127.0.0.1", 1, ""}, {});
        exchange_both();
        home.session.connected(stream);
        exchange_both();
        return stream;
    }

    Peer relay{Side::Relay}, home{Side::Home};
};

}  // namespace

TEST_CASE("streams that send are spread over the carriers, each way") {
    Pair pair;
    const StreamId one = pair.open(), other = pair.open();
    for (Peer* peer : {&pair.relay, &pair.home}) {
        peer->write(one, "hello");
        peer->write(other, "hello");
        CHECK(peer->carrier_of(one) != peer->carrier_of(other));
    }
    pair.exchange_both();
    CHECK(pair.home.read(one) == "hello");
    CHECK(pair.home.read(other) == "hello");
}

TEST_CASE("what is sent before the peer knows of the stream follows its OPEN, and moves later") {
    Pair pair;
    const StreamId one = *pair.relay.session.open({"127.0.0.1", 1, ""}, {});
    const StreamId other = *pair.relay.session.open({"127.0.0.1", 1, ""}, {});
    pair.relay.write(one, "hello");
    pair.relay.write(other, "hello");
    CHECK(pair.relay.carrier_of(one) == pair.relay.carrier_of(other));
    pair.exchange_both();
    pair.home.session.connected(one);
    pair.home.session.connected(other);
    pair.exchange_both();
    CHECK(pair.relay.carrier_of(one) != pair.relay.carrier_of(other));
    pair.exchange_both();
    CHECK(pair.home.read(one) == "hello");
    CHECK(pair.home.read(other) == "hello");
}

TEST_CASE("a new carrier gets its share of streams that send") {
    Pair pair;
    pair.relay.session.detach(second, {});
    pair.home.session.detach(second, {});
    const StreamId one = pair.open(), other = pair.open();
    pair.home.write(one, "hello");
    pair.home.write(other, "hello");
    CHECK(pair.home.carrier_of(one) == pair.home.carrier_of(other));
    constexpr CarrierId third{3};
    pair.attach(third);
    CHECK(pair.home.carrier_of(one) != pair.home.carrier_of(other));
    pair.exchange(first);
    pair.exchange(third);
    CHECK(pair.relay.read(one) == "hello");
    CHECK(pair.relay.read(other) == "hello");
}

TEST_CASE("what died with one carrier is sent again on the other, without a new one") {
    Pair pair;
    const StreamId stream = pair.open();
    pair.home.write(stream, "first ");
    const CarrierId dying = pair.home.carrier_of(stream);
    const CarrierId living = dying == first ? second : first;
    CHECK_FALSE(pair.home.output(dying).empty());  // Lost on its way.
    pair.home.session.detach(dying, {});
    pair.home.write(stream, "second");
    // The relay has not noticed anything yet.
    pair.exchange(living);
    CHECK(pair.relay.read(stream) == "first second");
    pair.relay.session.detach(dying, {});
    pair.exchange(living);
    CHECK(pair.home.session.info(stream)->buffered_bytes == 0);
}

TEST_CASE("acknowledgements go back the way the bytes came") {
    Pair pair;
    const StreamId stream = pair.open();
    pair.home.write(stream, "hello");
    const CarrierId way = pair.home.carrier_of(stream);
    const CarrierId other = way == first ? second : first;
    pair.exchange_both();
    CHECK(pair.relay.read(stream) == "hello");
    const TimePoint later{1s};
    pair.relay.session.deadline_reached(later);
    pair.home.input(other, pair.relay.output(other, later), later);
    CHECK(pair.home.session.info(stream)->bytes_sent == 0);
    pair.home.input(way, pair.relay.output(way, later), later);
    CHECK(pair.home.session.info(stream)->bytes_sent == 5);
}

TEST_CASE("bytes before a reset go where the reset goes") {
    Pair pair;
    const StreamId one = pair.open(), other = pair.open();
    pair.home.write(one, "go away");
    pair.home.write(other, "go away");
    const bool is_one = pair.home.carrier_of(one) == second;
    const StreamId elsewhere = is_one ? one : other;
    CHECK_FALSE(pair.home.output(second).empty());  // Slower than the other carrier.
    pair.home.session.reset(elsewhere, ResetReason::PeerReset);
    const ByteVector sent = pair.home.output(first);
    const std::string text{sent.begin(), sent.end()};
    CHECK(text.find("go away") != std::string::npos);
    CHECK_FALSE(pair.home.session.has(elsewhere));
}
