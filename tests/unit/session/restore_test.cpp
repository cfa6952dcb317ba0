// Going on with the streams that a killed process has left: what the simulation, which kills
// between two calls, cannot show.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "tests/unit/session/killed_process.h"

using namespace relay;
using namespace std::chrono_literals;

TEST_CASE("bytes that were received and not counted yet are not lost") {
    Process relay{Side::Relay};
    const StreamId stream = *relay.session.open({"127.0.0.1", 22, ""}, {}, a_socket);
    write(relay.session, stream, "counted ");
    const auto space = relay.session.write_space(stream);
    std::copy_n("received", 8, space[0].begin());
    const Memory left = relay.photograph();
    const auto next = go_on(left, [](const LocalSocket& socket, const SocketPosition&) {
        CHECK(socket.id == a_socket.id);
        return SocketPosition{.given = 16, .taken = 0};
    });
    Process home{Side::Home};
    next->session.attach(carrier, {});
    home.session.attach(carrier, {});
    exchange(next->session, home.session);
    CHECK(text_of(home.session.read_data(stream)[0]) == "counted received");
}

TEST_CASE("a stream whose OPEN was never written is nobody's, and its socket is not asked for") {
    Process relay{Side::Relay};
    Memory left = relay.photograph();
    const StreamId stream = *relay.session.open({"127.0.0.1", 22, ""}, {}, a_socket);
    // Killed between the record and the OPEN: with the control stream as it was before.
    const Ring control = stream_in(left, control_stream).sending;
    left = relay.photograph();
    stream_in(left, control_stream).sending = control;
    const auto next =
        go_on(left, [](const LocalSocket&, const SocketPosition&) -> std::optional<SocketPosition> {
            FAIL("the socket was asked for");
            return std::nullopt;
        });
    CHECK_FALSE(next->session.has(stream));
    // Its number is not used again.
    CHECK(*next->session.open({"127.0.0.1", 22, ""}, {}, a_socket) > stream);
}

TEST_CASE("a stream that gets its socket later is gone on with from then on, and reset before") {
    Process home{Side::Home};
    const StreamId stream = *home.session.open({"work-pc", 22, "127.0.0.1:5"}, {});
    const Memory before = home.photograph();
    home.session.set_socket(stream, {.id = 77, .given = 30, .taken = 12});
    const Memory after = home.photograph();
    home.session.set_socket(stream, {.id = 78});
    CHECK(home.session.info(stream)->socket.id == 77);

    const auto lost = go_on(before, fresh_socket);
    CHECK_FALSE(lost->session.has(stream));
    const auto kept = go_on(after, [](const LocalSocket& socket, const SocketPosition&) {
        CHECK(socket.id == 77);
        CHECK(socket.given == 30);
        CHECK(socket.taken == 12);
        return std::optional{SocketPosition{}};
    });
    CHECK(kept->session.has(stream));
}

TEST_CASE("a home that was killed before it had dialled dials again") {
    Process relay{Side::Relay}, home{Side::Home};
    relay.session.attach(carrier, {});
    home.session.attach(carrier, {});
    const StreamId stream = *relay.session.open({"nas.lan", 22, "192.0.2.1:5"}, {}, a_socket);
    write(relay.session, stream, "SSH-2.0");
    exchange(relay.session, home.session);
    const Memory left = home.photograph();
    const auto next = go_on(left, fresh_socket);
    const auto events = events_of(next->session);
    REQUIRE(count_of<StreamOpened>(events) == 1);
    const auto& opened = std::get<StreamOpened>(events[0]);
    CHECK(opened.destination.host == "nas.lan");
    CHECK(opened.destination.visitor == "192.0.2.1:5");
    relay.session.detach(carrier, {});
    relay.session.attach(carrier, {});
    next->session.attach(carrier, {});
    next->session.connected(stream, a_socket);
    exchange(relay.session, next->session);
    CHECK(relay.session.info(stream)->connected);
    CHECK(text_of(next->session.read_data(stream)[0]) == "SSH-2.0");
}

TEST_CASE("an OPEN that was heeded and not acknowledged opens nothing twice") {
    Process relay{Side::Relay}, home{Side::Home};
    relay.session.attach(carrier, {});
    home.session.attach(carrier, {});
    exchange(relay.session, home.session);
    const std::uint64_t before = stream_in(home.photograph(), control_stream).consumed();
    const StreamId stream = *relay.session.open({"127.0.0.1", 22, ""}, {}, a_socket);
    exchange(relay.session, home.session);
    Memory left = home.photograph();
    SUBCASE("killed before the OPEN counted as taken") {
        stream_in(left, control_stream).receiving.begin = before;
    }
    SUBCASE("killed before its number counted as used") {
        stream_in(left, control_stream).receiving.begin = before;
        session_in(left).peer_stream = 0;
    }
    const auto next = go_on(left, fresh_socket);
    // The relay has not heard the last acknowledgement either.
    Process again{Side::Relay};
    again.session.attach(carrier, {});
    const StreamId same = *again.session.open({"127.0.0.1", 22, ""}, {}, a_socket);
    REQUIRE(same == stream);
    next->session.attach(carrier, {});
    exchange(again.session, next->session);
    CHECK(count_of<StreamOpened>(events_of(next->session)) == 1);
    CHECK(next->session.has(stream));
    CHECK_FALSE(next->session.over());
}

TEST_CASE("a stream whose socket is gone, or whose record makes no sense, is reset, and no other") {
    Process relay{Side::Relay}, home{Side::Home};
    relay.session.attach(carrier, {});
    home.session.attach(carrier, {});
    const StreamId bad = *relay.session.open({"127.0.0.1", 22, ""}, {}, LocalSocket{.id = 1});
    const StreamId good = *relay.session.open({"127.0.0.1", 23, ""}, {}, LocalSocket{.id = 2});
    write(relay.session, good, "12345");
    write(relay.session, bad, "12345");
    const Memory left = relay.photograph();
    StreamRecord& record = stream_in(left, bad);
    SocketPosition position{.given = 5, .taken = 0};
    bool gone = false;
    SUBCASE("gone") {
        gone = true;
    }
    SUBCASE("given less than was written down") {
        position.given = 4;
    }
    SUBCASE("given more than its ring holds") {
        position.given = 1 << 20;
    }
    SUBCASE("taken more than was received") {
        position.taken = 1;
    }
    SUBCASE("ended, and not by us") {
        position.ended = true;
    }
    SUBCASE("a ring outside of the arena") {
        record.sending.place = RingPlace{BlockOffset{1} << 40, 65536};
    }
    SUBCASE("a ring that is none") {
        record.sending.place = {};
    }
    SUBCASE("a ring that ends before it begins") {
        record.sending.begin = 6;
    }
    SUBCASE("sent more than was written") {
        record.sent_most = 6;
    }
    const auto next = go_on(
        left,
        [&](const LocalSocket& socket, const SocketPosition&) -> std::optional<SocketPosition> {
            if (socket.id == 2) return SocketPosition{.given = 5, .taken = 0};
            return gone ? std::nullopt : std::optional{position};
        });
    CHECK_FALSE(next->session.has(bad));
    CHECK(next->session.has(good));
    next->session.attach(carrier, {});
    exchange(next->session, home.session);
    CHECK_FALSE(home.session.has(bad));
    CHECK(text_of(home.session.read_data(good)[0]) == "12345");
}

TEST_CASE("no damage to what was left does harm") {
    Process relay{Side::Relay}, home{Side::Home};
    relay.session.attach(carrier, {});
    home.session.attach(carrier, {});
    for (std::uint64_t i = 1; i <= 20; ++i) {
        const auto stream = relay.session.open({"127.0.0.1", 22, "v"}, {}, LocalSocket{.id = i});
        write(relay.session, *stream, std::string(i * 50, 'x'));
    }
    exchange(relay.session, home.session);
    std::mt19937 random{20};
    for (const Process* process : {&relay, &home}) {
        for (int round = 0; round < 500; ++round) {
            const Memory left = process->photograph();
            for (unsigned hits = random() % 8 + 1; hits > 0; --hits) {
                const std::size_t where = random() % 16384 + 8;
                left.bytes[where] = static_cast<std::uint8_t>(random());
            }
            const auto remains = ArenaRemains::open(left.view());
            if (!remains) continue;
            for (const SessionRemains& session : SessionRemains::all_in(*remains)) {
                Memory memory;
                Arena arena{memory.view()};
                Session next{
                    session,
                    [&](const LocalSocket&, const SocketPosition&) {
                        return SocketPosition{random() % 2048, random() % 4, random() % 2 == 0};
                    },
                    arena,
                    {},
                    {}};
                if (next.over()) continue;
                next.attach(carrier, {});
                (void)output(next);
            }
        }
    }
}
