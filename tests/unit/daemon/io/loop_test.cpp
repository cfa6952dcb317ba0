#include "daemon/io/loop.h"

#include <doctest/doctest.h>

#include <csignal>
#include <memory>

#include "daemon/io/signals.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/timer.h"
#include "daemon/io/worker.h"

using namespace relay;
using namespace std::chrono_literals;

TEST_CASE("a deferred task runs after the callbacks of its turn, and its own in the next") {
    Loop loop;
    int runs = 0;
    loop.defer([&] {
        ++runs;
        loop.defer([&] { ++runs; });
    });
    CHECK(runs == 0);
    loop.run();
    CHECK(runs == 2);
}

TEST_CASE("a Deferred scheduled many times runs once, and a destroyed one never") {
    Loop loop;
    int runs = 0;
    Deferred kept{loop, [&] { ++runs; }};
    auto dropped = std::make_unique<Deferred>(loop, [&] { runs += 100; });
    kept.schedule();
    kept.schedule();
    dropped->schedule();
    dropped.reset();
    loop.run();
    CHECK(runs == 1);
}

TEST_CASE(
    "a loop whose only deferred task was destroyed has nothing left to do, and does not spin") {
    Loop loop;
    auto dropped = std::make_unique<Deferred>(loop, [] {});
    dropped->schedule();
    dropped.reset();
    int turns = 0;
    while (uv_run(&loop.uv(), UV_RUN_NOWAIT) != 0 && turns < 10) ++turns;
    CHECK(turns < 10);
}

TEST_CASE("a Deferred may destroy itself and its neighbour") {
    Loop loop;
    std::unique_ptr<Deferred> first;
    std::unique_ptr<Deferred> second;
    int runs = 0;
    first = std::make_unique<Deferred>(loop, [&] {
        ++runs;
        second.reset();
        first.reset();
    });
    second = std::make_unique<Deferred>(loop, [&] { runs += 100; });
    first->schedule();
    second->schedule();
    loop.run();
    CHECK(runs == 1);
}

TEST_CASE("a timer fires not before its time, and may destroy itself") {
    Loop loop;
    std::unique_ptr<UvTimer> timer;
    TimePoint fired{};
    timer = std::make_unique<UvTimer>(loop, [&] {
        fired = now();
        timer.reset();
    });
    const auto due = now() + 2500us;
    timer->arm_at(due);
    CHECK(timer->is_armed());
    loop.run();
    CHECK(fired >= due);
}

TEST_CASE("a worker's result arrives, unless its ticket is gone") {
    Loop loop;
    int result = 0;
    const auto kept = run_on_worker<int>(
        loop, [] { return 7; }, [&](int value) { result = value; });
    {
        const auto gone = run_on_worker<int>(
            loop, [] { return 9; }, [&](int) { result = -1; });
    }
    loop.run();
    CHECK(result == 7);
}

TEST_CASE("a loop that ends waits for work under way") {
    bool done = false;
    {
        Loop loop;
        (void)run_on_worker(loop, std::function<void()>{[] {}},
                            std::function<void()>{[&] { done = true; }});
    }
    CHECK(!done);
}

TEST_CASE("a signal is an event") {
    Loop loop;
    bool caught = false;
    SignalWatcher watcher{loop, SIGUSR1, [&] {
                              caught = true;
                              loop.stop();
                          }};
    UvTimer guard{loop, [&] { loop.stop(); }};
    guard.arm(5s);
    raise(SIGUSR1);
    loop.run();
    CHECK(caught);
}
