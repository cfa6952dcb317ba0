// Going on with what a killed process has left: what the simulation, which kills between two calls,
// cannot show.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <random>
#include <string>

#include "common/session/session.h"

using namespace relay;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t arena_bytes = std::size_t{4} << 20;
constexpr CarrierId carrier{1};

struct Memory {
    std::unique_ptr<std::uint8_t[]> bytes = std::make_unique<std::uint8_t[]>(arena_bytes);
    MutableBytes view() const { return {bytes.get(), arena_bytes}; }
};

ByteVector output(Session& session) {
    ByteVector bytes;
    std::uint8_t room[16384];
    while (const std::size_t size = session.transmit(carrier, room, {})) {
        bytes.insert(bytes.end(), room, room + size);
    }
    return bytes;
}

void exchange(Session& one, Session& other) {
    for (int round = 0; round < 4; ++round) {
        for (Session* from : {&one, &other}) {
            const ByteVector bytes = output(*from);
            Bytes input = bytes;
            REQUIRE((from == &one ? other : one).receive(carrier, input, {}));
        }
    }
}

std::vector<Event> events_of(Session& session) {
    std::vector<Event> events;
    while (auto event = session.next_event()) events.push_back(std::move(*event));
    return events;
}

template <typename What>
std::size_t count_of(const std::vector<Event>& events) {
    return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [](const Event& e) {
        return std::holds_alternative<What>(e);
    }));
}

void write(Session& session, StreamId stream, std::string_view text) {
    const auto space = session.write_space(stream);
    REQUIRE(space[0].size() >= text.size());
    std::copy(text.begin(), text.end(), space[0].begin());
    session.wrote(stream, text.size());
}

// A process of its own, with one session, and the one that goes on after it.
struct Process {
    explicit Process(Side side)
        : arena(memory.view()), session(side, SessionId{1}, arena, {.owner = "work-pc"}, {}) {}
    Process(const SessionRemains& remains, const Session::FindSocket& find)
        : arena(memory.view()), session(remains, find, arena, {.owner = "work-pc"}, {}) {}

    // The arena as it is now.
    Memory photograph() const {
        Memory copy;
        std::memcpy(copy.bytes.get(), memory.bytes.get(), arena_bytes);
        return copy;
    }

    Memory memory;
    Arena arena;
    Session session;
};

std::unique_ptr<Process> go_on(const Memory& left, const Session::FindSocket& find) {
    const auto remains = ArenaRemains::open(left.view());
    REQUIRE(remains);
    const auto sessions = SessionRemains::all_in(*remains);
    REQUIRE(sessions.size() == 1);
    return std::make_unique<Process>(sessions[0], find);
}

template <typename Record>
Record& record_at(const Memory& memory, BlockOffset block) {
    return *reinterpret_cast<Record*>(memory.bytes.get() + block);
}

SessionRecord& session_in(const Memory& memory) {
    return record_at<SessionRecord>(memory, ArenaRemains::open(memory.view())->root());
}

StreamRecord& stream_in(const Memory& memory, StreamId id) {
    BlockOffset block = session_in(memory).streams;
    while (record_at<StreamRecord>(memory, block).id != id) {
        block = record_at<StreamRecord>(memory, block).link.next;
    }
    return record_at<StreamRecord>(memory, block);
}

// One that has given and taken nothing.
std::optional<SocketPosition> fresh_socket(const LocalSocket&) {
    return SocketPosition{};
}

constexpr LocalSocket a_socket{.id = 77};

}  // namespace

TEST_CASE("what is stored has the layout that its number stands for") {
    // Whoever has to change these changes Arena::layout, too.
    CHECK(Arena::layout == 2);
    CHECK(sizeof(SessionRecord) == 144);
    CHECK(sizeof(StreamRecord) == 256);
    CHECK(offsetof(StreamRecord, sending) == 72);
    CHECK(offsetof(StreamRecord, receiving) == 136);
    CHECK(offsetof(StreamRecord, credit) == 176);
}

TEST_CASE("an arena of another layout, and what is no arena, is told apart and not read") {
    Process process{Side::Relay};
    Memory other = process.photograph();
    other.bytes[8] = 99;
    const auto unknown = ArenaRemains::open(other.view());
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().text == "its layout is number 99, and this relayd knows 2");
    const Memory nothing;
    CHECK(ArenaRemains::open(nothing.view()).error().text == "not the memory of streams");
    CHECK_FALSE(ArenaRemains::open(MutableBytes{}));
}

TEST_CASE("an arena that ends each process that goes on with it is left alone at last") {
    const Memory left = Process{Side::Relay}.photograph();
    for (std::uint32_t i = 0; i < ArenaRemains::attempts_most; ++i) {
        CHECK(ArenaRemains::open(left.view()));
    }
    const auto once_more = ArenaRemains::open(left.view());
    REQUIRE_FALSE(once_more);
    CHECK(once_more.error().text == "20 processes have tried, and ended while they did");
}

TEST_CASE("a session goes on under its owner's name, and has waited since its carrier left") {
    Process process{Side::Relay};
    process.session.attach(carrier, TimePoint{5s});
    process.session.detach(carrier, TimePoint{7s});
    const Memory left = process.photograph();
    const auto remains = ArenaRemains::open(left.view());
    const auto sessions = SessionRemains::all_in(*remains);
    REQUIRE(sessions.size() == 1);
    CHECK(sessions[0].record().owner_name() == "work-pc");
    CHECK(sessions[0].record().left_at == TimePoint{7s});
    Memory next;
    Arena arena{next.view()};
    Session session{sessions[0], fresh_socket, arena, {.keep = 60s}, TimePoint{50s}};
    CHECK(session.deadline() == TimePoint{67s});
}

TEST_CASE("a session that was said goodbye to is not gone on with") {
    Process process{Side::Relay};
    process.session.end(EndReason::ClosedByOperator);
    const Memory left = process.photograph();
    CHECK(SessionRemains::all_in(*ArenaRemains::open(left.view())).empty());
}

TEST_CASE("bytes that were received and not counted yet are not lost") {
    Process relay{Side::Relay};
    const StreamId stream = *relay.session.open({"127.0.0.1", 22, ""}, {}, a_socket);
    write(relay.session, stream, "counted ");
    const auto space = relay.session.write_space(stream);
    std::copy_n("received", 8, space[0].begin());
    const Memory left = relay.photograph();
    const auto next = go_on(left, [](const LocalSocket& socket) {
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
    const auto next = go_on(left, [](const LocalSocket&) -> std::optional<SocketPosition> {
        FAIL("the socket was asked for");
        return std::nullopt;
    });
    CHECK_FALSE(next->session.has(stream));
    // Its number is not used again.
    CHECK(*next->session.open({"127.0.0.1", 22, ""}, {}, a_socket) > stream);
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
    const auto next = go_on(left, [&](const LocalSocket& socket) -> std::optional<SocketPosition> {
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
                    [&](const LocalSocket&) {
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
