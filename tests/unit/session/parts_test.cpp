// The parts of a session, each alone.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/session/arena.h"
#include "common/session/liveness.h"
#include "common/session/ring.h"
#include "common/session/write_scheduler.h"

using namespace relay;
using namespace std::chrono_literals;

namespace {

struct TestArena {
    std::unique_ptr<std::uint8_t[]> memory = std::make_unique<std::uint8_t[]>(1 << 20);
    Arena arena{MutableBytes{memory.get(), 1 << 20}};
};

}  // namespace

TEST_CASE("blocks are aligned to their size, do not overlap, and are used again") {
    TestArena test;
    std::map<BlockOffset, std::size_t> blocks;
    for (const std::size_t size : {256u, 4096u, 300u, 65536u, 256u, 1024u, 131072u, 512u}) {
        const auto block = test.arena.allocate(size);
        REQUIRE(block);
        CHECK(*block % 256 == 0);
        for (const auto& [other, other_size] : blocks) {
            CHECK((*block + size <= other || other + other_size <= *block));
        }
        blocks[*block] = size;
    }
    for (const auto& [block, size] : blocks) test.arena.release(block, size);
    CHECK(test.arena.used_bytes() == 0);
    const auto again = test.arena.allocate(131072);
    REQUIRE(again);
    CHECK(blocks.contains(*again));
}

TEST_CASE("an arena that is spent says so, and recovers") {
    TestArena test;
    std::vector<BlockOffset> blocks;
    while (const auto block = test.arena.allocate(65536)) blocks.push_back(*block);
    CHECK(blocks.size() == 15);
    CHECK_FALSE(test.arena.allocate(Arena::block_max_bytes + 1));
    test.arena.release(blocks.back(), 65536);
    CHECK(test.arena.allocate(65536));
}

TEST_CASE("a ring wraps and keeps its order") {
    TestArena test;
    RingMemory memory{test.arena, 1 << 20};
    Ring ring;
    REQUIRE(memory.allocate(ring, 256, RingMemory::Use::Receiving));
    std::uint8_t next_in = 0, next_out = 0;
    for (int round = 0; round < 100; ++round) {
        ByteVector bytes(200 - ring.size);
        for (auto& byte : bytes) byte = next_in++;
        memory.append(ring, bytes);
        std::size_t taken = 0;
        for (const Bytes piece : memory.held(ring, 0, 150)) {
            for (const std::uint8_t byte : piece) REQUIRE(byte == next_out++);
            taken += piece.size();
        }
        drop_front(ring, taken);
    }
    memory.release(ring);
    CHECK(memory.used_bytes() == 0);
}

TEST_CASE("a quarter of the budget is kept for what arrives") {
    TestArena test;
    RingMemory memory{test.arena, 1024};
    Ring rings[5];
    for (int i = 0; i < 3; ++i) CHECK(memory.allocate(rings[i], 256, RingMemory::Use::Sending));
    CHECK_FALSE(memory.allocate(rings[3], 256, RingMemory::Use::Sending));
    CHECK(memory.allocate(rings[3], 256, RingMemory::Use::Receiving));
    CHECK_FALSE(memory.allocate(rings[4], 256, RingMemory::Use::Receiving));
}

TEST_CASE("busy streams get equal shares, whatever the size of their frames") {
    WriteScheduler scheduler;
    std::map<StreamId, std::size_t> sent;
    for (std::uint64_t id = 1; id <= 4; ++id) scheduler.add(StreamId{id});
    for (int turn = 0; turn < 40000; ++turn) {
        const StreamId stream = *scheduler.next();
        const std::size_t size = stream.value * 1000;  // 1,000 to 4,000 bytes a frame.
        sent[stream] += size;
        scheduler.charge(size);
    }
    for (const auto& [id, bytes] : sent) {
        CHECK(double(bytes) / double(sent[StreamId{1}]) == doctest::Approx(1.0).epsilon(0.02));
    }
}

TEST_CASE("a stream that was quiet goes before those that were busy") {
    WriteScheduler scheduler;
    scheduler.add(StreamId{1});
    scheduler.next();
    scheduler.charge(16384);
    CHECK(*scheduler.next() == StreamId{1});
    scheduler.add(StreamId{2});
    CHECK(*scheduler.next() == StreamId{2});
}

TEST_CASE("leaving and coming back at once gains no turn") {
    WriteScheduler scheduler;
    scheduler.add(StreamId{1});
    scheduler.next();
    scheduler.charge(16384);
    scheduler.next();  // Stream 1 is among the busy ones now.
    scheduler.add(StreamId{2});
    scheduler.next();
    scheduler.charge(10);
    CHECK_FALSE(scheduler.drop());  // Stays for a round.
    CHECK(*scheduler.next() == StreamId{1});
}

TEST_CASE("a carrier lives by answers to its pings") {
    Liveness liveness{{3s, 7s}, TimePoint{}};
    REQUIRE(liveness.ping_due());
    const auto token = liveness.ping_written(TimePoint{1s});
    CHECK_FALSE(liveness.pong(token + 1, TimePoint{2s}));
    CHECK(liveness.pong(token, TimePoint{2s}));
    CHECK(*liveness.rtt() == 1s);
    CHECK(liveness.deadline() == TimePoint{4s});
    CHECK(liveness.deadline_reached(TimePoint{4s}) == Liveness::Verdict::Alive);
    CHECK(liveness.ping_due());
}

TEST_CASE("a carrier that cannot even write its ping dies in time") {
    Liveness liveness{{3s, 7s}, TimePoint{}};
    CHECK(liveness.deadline() == TimePoint{7s});
    CHECK(liveness.deadline_reached(TimePoint{7s}) == Liveness::Verdict::Dead);
}

TEST_CASE("an acknowledgement puts death off, bytes that merely come do not exist here") {
    Liveness liveness{{3s, 7s}, TimePoint{}};
    liveness.ping_written(TimePoint{});
    liveness.heard(TimePoint{5s});
    CHECK(liveness.deadline_reached(TimePoint{7s}) == Liveness::Verdict::Alive);
    CHECK(liveness.deadline_reached(TimePoint{12s}) == Liveness::Verdict::Dead);
}
