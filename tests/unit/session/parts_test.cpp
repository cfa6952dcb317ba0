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

TEST_CASE("only blocks that were free all the time since the last trim are handed back, and once") {
    TestArena test;
    std::vector<BlockOffset> blocks;
    for (int i = 0; i < 8; ++i) blocks.push_back(*test.arena.allocate(65536));
    for (const BlockOffset block : blocks) test.arena.release(block, 65536);
    std::size_t pages = 0;
    const auto count = [&](MutableBytes bytes) {
        if (bytes.size() == 15 * 4096) pages += 15;  // Not what alignment has skipped.
    };
    test.arena.trim(count);
    CHECK(pages == 0);  // All were in use since the beginning.
    // Three are in use now and then.
    for (int i = 0; i < 3; ++i) blocks[std::size_t(i)] = *test.arena.allocate(65536);
    for (int i = 0; i < 3; ++i) test.arena.release(blocks[std::size_t(i)], 65536);
    test.arena.trim(count);
    CHECK(pages == 5 * 15);
    test.arena.trim(count);
    CHECK(pages == 8 * 15);
    test.arena.trim(count);
    CHECK(pages == 8 * 15);
    for (int i = 0; i < 8; ++i) REQUIRE(test.arena.allocate(65536));
    CHECK(test.arena.used_bytes() == 8 * 65536);
}

TEST_CASE("a ring wraps and keeps its order") {
    TestArena test;
    RingMemory memory{test.arena, {1 << 20, 1 << 20, 256}};
    Ring ring;
    REQUIRE(memory.allocate(ring, 256, RingMemory::Use::Stream));
    std::uint8_t next_in = 0, next_out = 0;
    for (int round = 0; round < 100; ++round) {
        ByteVector bytes(200 - ring.size());
        for (auto& byte : bytes) byte = next_in++;
        memory.append(ring, bytes);
        std::size_t taken = 0;
        for (const Bytes piece : memory.held(ring, ring.begin, 150)) {
            for (const std::uint8_t byte : piece) REQUIRE(byte == next_out++);
            taken += piece.size();
        }
        drop_front(ring, taken);
    }
    memory.release(ring);
    CHECK(memory.used_bytes() == 0);
}

TEST_CASE(
    "the more of the budget is spent, the smaller are new rings, and the least is never denied") {
    TestArena test;
    RingMemory memory{test.arena, {65536, 1 << 20, 256}};
    std::vector<std::uint32_t> given;
    for (int i = 0; i < 16; ++i) {
        Ring ring;
        REQUIRE(memory.allocate(ring, 16384, RingMemory::Use::Stream));
        given.push_back(ring.capacity());
    }
    const std::vector<std::uint32_t> expected{16384, 16384, 16384, 8192, 4096, 2048, 1024, 512,
                                              256,   256,   256,   256,  256,  256,  256,  256};
    CHECK(given == expected);
}

TEST_CASE("what other sessions hold counts in the budget of the process") {
    TestArena test;
    RingMemory other{test.arena, {1 << 20, 65536, 256}};
    Ring large;
    REQUIRE(other.allocate(large, 32768, RingMemory::Use::Stream));
    RingMemory memory{test.arena, {1 << 20, 65536, 256}};
    Ring ring;
    REQUIRE(memory.allocate(ring, 32768, RingMemory::Use::Stream));
    CHECK(ring.capacity() == 16384);
}

TEST_CASE("a ring that moves to more or less memory keeps its bytes in order") {
    TestArena test;
    RingMemory memory{test.arena, {1 << 20, 1 << 20, 256}};
    Ring ring;
    REQUIRE(memory.allocate(ring, 256, RingMemory::Use::Stream));
    memory.append(ring, ByteVector(200));
    drop_front(ring, 150);
    ByteVector counted(150);
    for (std::size_t i = 0; i < counted.size(); ++i) counted[i] = static_cast<std::uint8_t>(i);
    memory.append(ring, counted);  // Wraps.
    drop_front(ring, 50);
    for (const std::uint32_t capacity : {1024u, 256u}) {
        REQUIRE(memory.resize(ring, capacity));
        CHECK(ring.capacity() == capacity);
        ByteVector held;
        for (const Bytes piece : memory.held(ring, ring.begin, 150)) {
            held.insert(held.end(), piece.begin(), piece.end());
        }
        CHECK(held == counted);
    }
    memory.release(ring);
    CHECK(test.arena.used_bytes() == 0);
}

TEST_CASE("a ring that is hardly used gives memory back after a while") {
    TestArena test;
    RingMemory memory{test.arena, {1 << 20, 1 << 20, 256}};
    Ring ring;
    REQUIRE(memory.allocate(ring, 4096, RingMemory::Use::Stream));
    memory.append(ring, ByteVector(2000));
    memory.settle(ring, 1024, TimePoint{1s});
    drop_front(ring, 1900);
    memory.settle(ring, 1024, TimePoint{1s + idle_patience});
    CHECK(ring.capacity() == 4096);
    for (int i = 2; i < 10; ++i) memory.settle(ring, 1024, TimePoint{1s + i * 2 * idle_patience});
    CHECK(ring.capacity() == 1024);
    CHECK(ring.size() == 100);
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

TEST_CASE("a keystroke does not wait for a round of busy streams, nor does much of it go first") {
    WriteScheduler scheduler;
    for (std::uint64_t id = 1; id <= 4; ++id) scheduler.add(StreamId{id});
    for (int turn = 0; turn < 4; ++turn) {
        scheduler.next();
        scheduler.charge(16384);
    }
    REQUIRE(*scheduler.next() == StreamId{1});  // All are busy.
    const StreamId typed{5};
    scheduler.add(typed);
    REQUIRE(*scheduler.next() == typed);
    scheduler.charge(10000);
    CHECK_FALSE(scheduler.drop());
    CHECK(*scheduler.next() == StreamId{1});
    scheduler.revive(typed);
    CHECK(*scheduler.next() == typed);
    scheduler.charge(10000);
    CHECK_FALSE(scheduler.drop());
    scheduler.revive(typed);  // It has had its turn.
    CHECK(*scheduler.next() == StreamId{1});
}

TEST_CASE("of two streams that have just become busy, neither sends much before the other") {
    WriteScheduler scheduler;
    scheduler.add(StreamId{1});
    scheduler.add(StreamId{2});
    CHECK(*scheduler.next() == StreamId{1});
    scheduler.charge(16384);
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

namespace {

constexpr auto busy = Liveness::Pace::Busy;
constexpr auto idle = Liveness::Pace::Idle;

}  // namespace

TEST_CASE("a carrier lives by answers to its pings") {
    Liveness liveness{{3s, 7s}, Liveness::Habit::Asks, TimePoint{}};
    REQUIRE(liveness.ping_due());
    const auto token = liveness.ping_written(TimePoint{1s});
    CHECK_FALSE(liveness.pong(token + 1, TimePoint{2s}));
    CHECK(liveness.pong(token, TimePoint{2s}));
    CHECK(*liveness.rtt() == 1s);
    CHECK(liveness.deadline(busy) == TimePoint{4s});
    CHECK(liveness.deadline_reached(TimePoint{4s}, busy) == Liveness::Verdict::Alive);
    CHECK(liveness.ping_due());
}

TEST_CASE("a carrier that cannot even write its ping dies in time") {
    Liveness liveness{{3s, 7s}, Liveness::Habit::Asks, TimePoint{}};
    CHECK(liveness.deadline(busy) == TimePoint{7s});
    CHECK(liveness.deadline_reached(TimePoint{7s}, busy) == Liveness::Verdict::Dead);
}

TEST_CASE("an acknowledgement puts death off, bytes that merely come do not exist here") {
    Liveness liveness{{3s, 7s}, Liveness::Habit::Asks, TimePoint{}};
    liveness.ping_written(TimePoint{});
    liveness.heard(TimePoint{5s});
    CHECK(liveness.deadline_reached(TimePoint{7s}, busy) == Liveness::Verdict::Alive);
    CHECK(liveness.deadline_reached(TimePoint{12s}, busy) == Liveness::Verdict::Dead);
}

namespace {

// Left to its peer, with answers enough of its own had at 0 s.
Liveness resting_on_pings() {
    Liveness liveness{{3s, 7s}, Liveness::Habit::LeavesItToThePeer, TimePoint{}};
    for (int asked = 0; asked < 10; ++asked) {
        liveness.pong(liveness.ping_written(TimePoint{}), TimePoint{});
    }
    liveness.pinged(TimePoint{});
    liveness.pong_written();
    return liveness;
}

}  // namespace

TEST_CASE("who leaves the asking to the peer still asks at first, ever less often") {
    Liveness liveness{{3s, 7s}, Liveness::Habit::LeavesItToThePeer, TimePoint{}};
    std::vector<TimePoint> asked;
    for (auto time = TimePoint{}; time <= TimePoint{35s}; time += 250ms) {
        CHECK(liveness.deadline_reached(time, busy) == Liveness::Verdict::Alive);
        if (liveness.ping_due()) {
            asked.push_back(time);
            liveness.pong(liveness.ping_written(time), time);
        }
        liveness.pinged(time);
        liveness.pong_written();
    }
    const std::vector<TimePoint> expected{TimePoint{0s}, TimePoint{1s},  TimePoint{3s},
                                          TimePoint{7s}, TimePoint{15s}, TimePoint{31s}};
    CHECK(asked == expected);
}

TEST_CASE("who leaves the asking to the peer rests as long as the peer asks on") {
    Liveness liveness = resting_on_pings();
    for (auto time = TimePoint{3s}; time < TimePoint{55s}; time += 3s) {
        CHECK(liveness.deadline_reached(time, busy) == Liveness::Verdict::Alive);
        liveness.pinged(time);
        liveness.pong_written();
        CHECK_FALSE(liveness.ping_due());
    }
    CHECK(liveness.deadline(busy) <= TimePoint{60s});
    CHECK(liveness.deadline_reached(TimePoint{60s}, busy) == Liveness::Verdict::Alive);
    CHECK(liveness.ping_due());  // For the round-trip time.
}

TEST_CASE("a peer that no longer asks is asked, and dies no later than if it had been before") {
    Liveness liveness = resting_on_pings();
    liveness.pinged(TimePoint{3s});
    CHECK(liveness.deadline(busy) == TimePoint{7500ms});
    CHECK(liveness.deadline_reached(TimePoint{7500ms}, busy) == Liveness::Verdict::Alive);
    CHECK(liveness.ping_due());
    liveness.ping_written(TimePoint{7500ms});
    CHECK(liveness.deadline(busy) == TimePoint{13s});
    CHECK(liveness.deadline_reached(TimePoint{13s}, busy) == Liveness::Verdict::Dead);
}

TEST_CASE("a ping proves nothing while the one before it is unanswered") {
    Liveness liveness = resting_on_pings();
    liveness.pinged(TimePoint{1s});
    liveness.pinged(TimePoint{4s});  // Our answer to the former one is not even written.
    CHECK(liveness.deadline(busy) == TimePoint{5500ms});
}

TEST_CASE("who was asleep asks before it judges") {
    Liveness liveness = resting_on_pings();
    liveness.pinged(TimePoint{3s});
    CHECK(liveness.deadline_reached(TimePoint{3600s}, busy) == Liveness::Verdict::Alive);
    liveness.ping_written(TimePoint{3600s});
    CHECK(liveness.deadline_reached(TimePoint{3601s}, busy) == Liveness::Verdict::Alive);
    CHECK(liveness.deadline_reached(TimePoint{3607s}, busy) == Liveness::Verdict::Dead);
}

TEST_CASE("without streams pings are fewer, and death is noticed as soon") {
    Liveness asks{{3s, 7s}, Liveness::Habit::Asks, TimePoint{}};
    asks.pong(asks.ping_written(TimePoint{}), TimePoint{});
    CHECK(asks.deadline(idle) == TimePoint{5s});
    CHECK(asks.deadline(busy) == TimePoint{3s});  // As soon as there is a stream.
    CHECK(asks.deadline_reached(TimePoint{5s}, idle) == Liveness::Verdict::Alive);
    asks.ping_written(TimePoint{5s});
    CHECK(asks.deadline(idle) == TimePoint{10s});

    Liveness leaves = resting_on_pings();
    CHECK(leaves.deadline(idle) == TimePoint{7500ms});
    CHECK(leaves.deadline_reached(TimePoint{7500ms}, idle) == Liveness::Verdict::Alive);
    leaves.ping_written(TimePoint{7500ms});
    CHECK(leaves.deadline(idle) == TimePoint{10s});
}
