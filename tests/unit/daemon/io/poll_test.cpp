#include "daemon/io/poll.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "daemon/io/poll_set.h"

using namespace relay;

namespace {

struct Pair {
    Pair() {
        std::array<int, 2> ends{};
        constexpr int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
        REQUIRE(socketpair(AF_UNIX, kind, 0, ends.data()) == 0);
        ours = UniqueFd{ends[0]};
        peers = UniqueFd{ends[1]};
    }
    void say_something() const { REQUIRE(write(peers.get(), "x", 1) == 1); }

    UniqueFd ours;
    UniqueFd peers;
};

}  // namespace

TEST_CASE("what a poll owns is closed with it, watched or not") {
    Loop loop;
    Pair first;
    Poll{loop, std::move(first.ours), nullptr};

    Pair second;
    bool readable = false;
    std::unique_ptr<Poll> poll;
    poll = std::make_unique<Poll>(loop, std::move(second.ours), [&](PollEvents events) {
        readable = events.readable;
        poll.reset();
    });
    poll->set_interest({.readable = true});
    second.say_something();
    loop.run();
    CHECK(readable);
    char byte;
    CHECK(read(first.peers.get(), &byte, 1) == 0);
    CHECK(read(second.peers.get(), &byte, 1) == -1);  // Reset: something was not read.
}

TEST_CASE("polls that are ready at the same time may destroy each other") {
    Loop loop;
    std::array<Pair, 2> pairs;
    std::array<std::unique_ptr<Poll>, 2> polls;
    int told = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        const auto on_ready = [&](PollEvents) {
            ++told;
            polls = {};
        };
        polls[i] = std::make_unique<Poll>(loop, std::move(pairs[i].ours), on_ready);
        polls[i]->set_interest({.readable = true});
        pairs[i].say_something();
    }
    loop.run();
    CHECK(told == 1);
    CHECK(loop.polls().size() == 0);
}

TEST_CASE("who is no longer interested is not told, even of what was found before") {
    Loop loop;
    std::array<Pair, 2> pairs;
    std::array<std::unique_ptr<Poll>, 2> polls;
    int told = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        const auto on_ready = [&](PollEvents) {
            ++told;
            for (const auto& poll : polls) poll->set_interest({});
        };
        polls[i] = std::make_unique<Poll>(loop, std::move(pairs[i].ours), on_ready);
        polls[i]->set_interest({.readable = true});
        pairs[i].say_something();
    }
    loop.run();  // Ends, as nobody waits for anything.
    CHECK(told == 1);
    polls[0]->set_interest({.readable = true});
    loop.run();
    CHECK(told == 2);
}

TEST_CASE("a peer that hung up does not wake those who wait for nothing") {
    Loop loop;
    Pair pair;
    int told = 0;
    Poll poll{loop, std::move(pair.ours), [&](PollEvents) { ++told; }};
    poll.set_interest({.readable = true});
    loop.defer([&] {
        poll.set_interest({});
        pair.peers.reset();
    });
    loop.run();
    CHECK(told == 0);
}

TEST_CASE("an interest is as it was last said, and one descriptor is told at most once a turn") {
    Loop loop;
    Pair pair;
    PollEvents last;
    int told = 0;
    Poll poll{loop, std::move(pair.ours), [&](PollEvents events) {
                  last = events;
                  ++told;
              }};
    poll.set_interest({.readable = true});
    poll.set_interest({});
    poll.set_interest({.writable = true});
    pair.say_something();
    loop.run_once();
    CHECK(last == PollEvents{.writable = true});
    poll.set_interest({.readable = true, .writable = true});
    loop.run_once();
    CHECK(last == PollEvents{.readable = true, .writable = true});
    CHECK(told == 2);
}

TEST_CASE("a reset is told to those who wait to write, and as broken") {
    Loop loop;
    Pair pair;
    PollEvents last;
    Poll poll{loop, std::move(pair.ours), [&](PollEvents events) { last = events; }};
    REQUIRE(write(poll.fd(), "x", 1) == 1);
    poll.set_interest({.broken = true});
    pair.peers.reset();  // With something unread: a reset, for a Unix socket.
    loop.run_once();
    CHECK(last == PollEvents{.readable = true, .broken = true});
}

TEST_CASE("a descriptor given away is not told of, though it stays open") {
    Loop loop;
    Pair pair;
    int told = 0;
    auto poll = std::make_unique<Poll>(loop, std::move(pair.ours), [&](PollEvents) { ++told; });
    poll->set_interest({.readable = true});
    pair.say_something();
    const UniqueFd copy{fcntl(poll->fd(), F_DUPFD_CLOEXEC, 0)};
    const UniqueFd taken = poll->take_fd();
    loop.run();
    CHECK(told == 0);
    Poll next{loop, UniqueFd{fcntl(taken.get(), F_DUPFD_CLOEXEC, 0)}, [&](PollEvents) {
                  ++told;
                  next.set_interest({});
              }};
    next.set_interest({.readable = true});
    loop.run();
    CHECK(told == 1);
}

TEST_CASE("more polls than are told in one turn all get their turn") {
    Loop loop;
    constexpr std::size_t many = 600;
    std::vector<Pair> pairs(many);
    std::vector<std::unique_ptr<Poll>> polls;
    std::vector<int> told(many);
    for (std::size_t i = 0; i < many; ++i) {
        polls.push_back(std::make_unique<Poll>(loop, std::move(pairs[i].ours), [&, i](PollEvents) {
            ++told[i];  // And does not read.
        }));
        polls.back()->set_interest({.readable = true});
        pairs[i].say_something();
    }
    for (int turn = 0; turn < 3; ++turn) loop.run_once();
    CHECK(*std::min_element(told.begin(), told.end()) >= 1);
}
