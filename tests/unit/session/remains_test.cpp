// What a process leaves: whether it can be read at all, and whose it is.
#include <doctest/doctest.h>

#include <cstddef>

#include "tests/unit/session/killed_process.h"

using namespace relay;
using namespace std::chrono_literals;

TEST_CASE("what is stored has the layout that its number stands for") {
    // Whoever has to change these changes Arena::layout, too.
    CHECK(Arena::layout == 6);
    CHECK(sizeof(SessionRecord) == 144);
    CHECK(sizeof(StreamRecord) == 272);
    CHECK(offsetof(StreamRecord, sending) == 88);
    CHECK(offsetof(StreamRecord, receiving) == 152);
    CHECK(offsetof(StreamRecord, credit) == 192);
    CHECK(sizeof(SealRecord) == 392);
    CHECK(sizeof(SealedWay) == 64);
    CHECK(sizeof(FtpRecord) == 3736);
    CHECK(sizeof(FtpState) == 1856);
    CHECK(offsetof(FtpState, dialogue) == 168);
    CHECK(offsetof(FtpState, announced) == 1760);
}

TEST_CASE("an arena of another layout, and what is no arena, is told apart and not read") {
    Process process{Side::Relay};
    Memory other = process.photograph();
    other.bytes[8] = 99;
    const auto unknown = ArenaRemains::open(other.view());
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().text == "its layout is number 99, and this relayd knows 6");
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
