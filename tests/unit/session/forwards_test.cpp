// What a home asks its relay to listen on: lists that are said as a whole (PROTOCOL.md 10).
#include <doctest/doctest.h>

#include <string>

#include "common/session/session.h"

using namespace relay;

namespace {

constexpr CarrierId carrier{1};

struct Peer {
    explicit Peer(Side side) : session(side, SessionId{1}, arena, {}, TimePoint{}) {}

    std::unique_ptr<std::uint8_t[]> memory =
        std::make_unique_for_overwrite<std::uint8_t[]>(8 << 20);
    Arena arena{MutableBytes{memory.get(), 8 << 20}};
    Session session;

    ByteVector output() {
        ByteVector bytes;
        std::uint8_t room[16384];
        while (const std::size_t size = session.transmit(carrier, room, {})) {
            bytes.insert(bytes.end(), room, room + size);
        }
        return bytes;
    }

    Status input(Bytes bytes) { return session.receive(carrier, bytes, {}); }

    template <typename What>
    std::vector<What> events() {
        std::vector<What> all;
        while (const auto next = session.next_event()) {
            if (const auto* what = std::get_if<What>(&*next)) all.push_back(*what);
        }
        return all;
    }
};

struct Pair {
    Pair() {
        relay.session.attach(carrier, {});
        home.session.attach(carrier, {});
        exchange();
    }

    void exchange() {
        for (int round = 0; round < 4; ++round) {
            REQUIRE(home.input(relay.output()));
            REQUIRE(relay.input(home.output()));
        }
    }

    // As a hostile home would say them.
    Status say(const std::vector<wire::ControlMessage>& messages) {
        ByteVector text;
        for (const auto& message : messages) {
            std::uint8_t room[600];
            ByteWriter writer{room};
            wire::put_control_message(writer, message);
            text.insert(text.end(), writer.written().begin(), writer.written().end());
        }
        std::uint8_t room[16384];
        ByteWriter writer{room};
        wire::put_data(writer, 0, said, text, {});
        said += text.size();
        return relay.input(writer.written());
    }

    Peer relay{Side::Relay}, home{Side::Home};
    std::uint64_t said = 0;
};

WantedForward wanted(std::uint16_t port) {
    return {.address = "127.0.0.1",
            .port = port,
            .target = "localhost",
            .target_port = 80,
            .grace_s = 30,
            .probe = "http"};
}

wire::Forward forward(std::uint16_t port) {
    return {port, 80, 30, false, "127.0.0.1", "localhost", ""};
}

}  // namespace

TEST_CASE("a list of forwards arrives as a whole, and answers come back") {
    Pair pair;
    WantedForward ftp = wanted(5001);
    ftp.ftp = wire::FtpWish{false, 22000, 22004};
    pair.home.session.want_forwards({wanted(5000), ftp});
    pair.exchange();
    const auto lists = pair.relay.events<ForwardsWanted>();
    REQUIRE(lists.size() == 1);
    REQUIRE(lists[0].forwards.size() == 2);
    CHECK(lists[0].forwards[1].port == 5001);
    CHECK(lists[0].forwards[1].target == "localhost");
    CHECK(lists[0].forwards[1].target_port == 80);
    CHECK(lists[0].forwards[1].grace_s == 30);
    CHECK(lists[0].forwards[1].probe == "http");
    CHECK_FALSE(lists[0].forwards[0].ftp);
    REQUIRE(lists[0].forwards[1].ftp);
    CHECK(lists[0].forwards[1].ftp->last_data_port == 22004);
    pair.relay.session.tell_forward(
        {"127.0.0.1", 5001, wire::ForwardStateKind::Denied, std::string(1000, 'w')});
    pair.exchange();
    const auto told = pair.home.events<ForwardTold>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].port == 5001);
    CHECK(told[0].state == wire::ForwardStateKind::Denied);
    CHECK(told[0].why.size() == wire::forward_why_max_bytes);
}

TEST_CASE("an empty list is one, too") {
    Pair pair;
    pair.home.session.want_forwards({});
    pair.exchange();
    const auto lists = pair.relay.events<ForwardsWanted>();
    REQUIRE(lists.size() == 1);
    CHECK(lists[0].forwards.empty());
}

TEST_CASE("the longest list fits through the control stream, over cut carriers") {
    Pair pair;
    std::vector<WantedForward> all;
    for (std::uint16_t i = 0; i < wire::forwards_asked_max; ++i) {
        all.push_back(wanted(std::uint16_t(5000 + i)));
        all.back().target = std::string(wire::host_max_bytes, 'a');
    }
    pair.home.session.want_forwards(all);
    (void)pair.home.output();  // Lost on the way.
    pair.home.session.detach(carrier, {});
    pair.relay.session.detach(carrier, {});
    pair.home.session.attach(carrier, {});
    pair.relay.session.attach(carrier, {});
    for (int i = 0; i < 4; ++i) pair.exchange();
    const auto lists = pair.relay.events<ForwardsWanted>();
    REQUIRE(lists.size() == 1);
    REQUIRE(lists[0].forwards.size() == all.size());
    CHECK(lists[0].forwards.back().port == all.back().port);
}

TEST_CASE("a relay that asks again hears the same list again") {
    Pair pair;
    pair.home.session.want_forwards({wanted(5000)});
    pair.exchange();
    CHECK(pair.relay.events<ForwardsWanted>().size() == 1);
    pair.relay.session.ask_forwards_again();
    pair.relay.session.ask_forwards_again();
    pair.exchange();
    CHECK(pair.relay.events<ForwardsWanted>().size() == 1);
}

TEST_CASE("a list that begins anew replaces what was said of the former one") {
    Pair pair;
    REQUIRE(pair.say({wire::Forwards{3}, forward(1), forward(2), wire::Forwards{1}, forward(3)}));
    const auto lists = pair.relay.events<ForwardsWanted>();
    REQUIRE(lists.size() == 1);
    REQUIRE(lists[0].forwards.size() == 1);
    CHECK(lists[0].forwards[0].port == 3);
}

TEST_CASE("forwards beyond their list are not heeded, and asked for again once") {
    Pair pair;
    std::vector<wire::ControlMessage> flood(40, forward(1));
    for (int i = 0; i < 5; ++i) REQUIRE(pair.say(flood));
    CHECK(pair.relay.events<ForwardsWanted>().empty());
    const ByteVector answer = pair.relay.output();
    CHECK(answer.size() < 100);
}

TEST_CASE("a home that asks on and on and takes no answer breaks a rule") {
    Pair pair;
    int heeded = 0;
    const ForwardTold denied{"127.0.0.1", 1, wire::ForwardStateKind::Denied, std::string(250, 'w')};
    while (!pair.relay.session.over()) {
        REQUIRE(++heeded < 10000);
        pair.relay.session.tell_forward(denied);
    }
    CHECK(heeded > 1000);
    CHECK(pair.relay.events<SessionOver>().at(0).reason == EndReason::ProtocolError);
}

TEST_CASE("each side says only what is its to say") {
    Pair pair;
    CHECK_FALSE(pair.say({wire::ForwardState{1, wire::ForwardStateKind::Listening, "a", ""}}));
    Pair other;
    CHECK_FALSE(other.say({wire::ForwardsAgain{}}));
    Pair third;
    CHECK_FALSE(third.say({wire::Forwards{257}}));
}
