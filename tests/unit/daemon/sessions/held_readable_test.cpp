#include "daemon/sessions/held_readable.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>

#include "daemon/io/poll.h"

using namespace relay;

namespace {

struct Holder {
    Loop loop;
    int late = 0;
    HeldReadable held{loop, [this] {
                          ++late;
                          (void)held.take();
                      }};
};

}  // namespace

TEST_CASE("one stream waits, and another's bytes end its wait") {
    Holder holder;
    CHECK(!holder.held.swap(StreamId{2}));
    CHECK(!holder.held.swap(StreamId{2}));
    CHECK(holder.held.swap(StreamId{4}) == StreamId{2});
    CHECK(holder.held.stream() == StreamId{4});
    CHECK(holder.held.take() == StreamId{4});
    CHECK(!holder.held.take());
}

TEST_CASE("whoever waits is told after one turn that brought nothing") {
    Holder holder;
    (void)holder.held.swap(StreamId{2});
    holder.held.wait();
    holder.loop.run_once();
    CHECK(holder.late == 0);
    holder.loop.run_once();
    CHECK(holder.late == 1);
    CHECK(!holder.held.stream());
    holder.loop.defer([] {});
    holder.loop.run_once();
    CHECK(holder.late == 1);
}

TEST_CASE("who was taken in time is not told twice") {
    Holder holder;
    (void)holder.held.swap(StreamId{2});
    holder.held.wait();
    (void)holder.held.take();
    holder.loop.run_once();
    CHECK(holder.late == 0);
}

TEST_CASE("bytes that have come meanwhile are heard of before the wait ends") {
    Holder holder;
    UniqueFd event{eventfd(1, EFD_NONBLOCK)};
    bool is_seen = false;
    Poll poll{holder.loop, std::move(event), [&](PollEvents) {
                  is_seen = true;
                  poll.set_interest({});
                  CHECK(holder.late == 0);
                  CHECK(holder.held.swap(StreamId{4}) == StreamId{2});
                  holder.held.wait();
              }};
    holder.loop.defer([&] {
        (void)holder.held.swap(StreamId{2});
        holder.held.wait();
        poll.set_interest({.readable = true});
    });
    for (int turn = 0; turn < 6 && holder.late == 0; ++turn) holder.loop.run_once();
    CHECK(is_seen);
    CHECK(holder.late == 1);
    CHECK(!holder.held.stream());
}
