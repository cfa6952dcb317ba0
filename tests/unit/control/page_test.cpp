// Lists in parts.
#include "common/control/page.h"

#include <doctest/doctest.h>

#include "common/control/reply.h"

using namespace relay;

namespace {

std::vector<HomeSnapshot> homes(std::size_t count) {
    std::vector<HomeSnapshot> list;
    for (std::size_t i = 0; i < count; ++i) {
        HomeSnapshot home;
        home.name = "home-" + std::to_string(1000 + i);
        list.push_back(home);
    }
    return list;
}

std::vector<std::string> listens(const ForwardList& list) {
    std::vector<std::string> texts;
    for (const auto& forward : list.forwards) texts.push_back(forward.home + " " + forward.listen);
    return texts;
}

}  // namespace

TEST_CASE("pages put together are the list, each entry once") {
    std::vector<std::string> seen;
    ListPart part{.limit = 7};
    for (;;) {
        const auto page = page_of<HomeList>(homes(30), part);
        for (const auto& home : page.homes) seen.push_back(home.name);
        CHECK(seen.size() + page.left_off == 30);
        if (page.next.empty()) break;
        part.after = page.next;
    }
    REQUIRE(seen.size() == 30);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    CHECK(seen.front() == "home-1000");
}

TEST_CASE("a list goes on behind an entry that has gone meanwhile") {
    auto left = homes(10);
    left.erase(left.begin() + 4);
    const auto page = page_of<HomeList>(left, {.after = "home-1004"});
    CHECK(page.homes.size() == 5);
    CHECK(page.homes.front().name == "home-1005");
}

TEST_CASE("streams of several relays with the same number are each listed once") {
    std::vector<StreamSnapshot> streams(3);
    streams[0] = {.id = 2, .home = "a", .relay = "y"};
    streams[1] = {.id = 2, .home = "a", .relay = "x"};
    streams[2] = {.id = 10, .home = "a", .relay = "x"};
    std::vector<std::string> seen;
    ListPart part{.limit = 1};
    do {
        const auto page = page_of<StreamList>(streams, part);
        for (const auto& each : page.streams) {
            seen.push_back(each.relay + " " + std::to_string(each.id));
        }
        part.after = page.next;
    } while (!part.after.empty());
    CHECK(seen == std::vector<std::string>{"x 2", "x 10", "y 2"});
}

TEST_CASE("forwards of a home come by their ports, streams by their numbers") {
    std::vector<ForwardSnapshot> forwards(3);
    forwards[0] = {.home = "a", .listen = "127.0.0.1:3389"};
    forwards[1] = {.home = "a", .listen = "127.0.0.1:80"};
    forwards[2] = {.home = "B", .listen = "127.0.0.1:9000"};
    const auto all = page_of<ForwardList>(forwards, {});
    CHECK(listens(all) ==
          std::vector<std::string>{"B 127.0.0.1:9000", "a 127.0.0.1:80", "a 127.0.0.1:3389"});
    CHECK(listens(page_of<ForwardList>(forwards, {.after = "a 127.0.0.1:80"})) ==
          std::vector<std::string>{"a 127.0.0.1:3389"});

    std::vector<StreamSnapshot> streams(2);
    streams[0] = {.id = 10, .home = "a"};
    streams[1] = {.id = 8, .home = "a"};
    const auto page = page_of<StreamList>(streams, {.limit = 1});
    CHECK(page.streams[0].id == 8);
    CHECK(page.next == "a 8");
}

TEST_CASE("forwards inside of sessions count, and one session is always there") {
    std::vector<SessionSnapshot> sessions(2);
    sessions[0].home = "a";
    sessions[0].forwards.resize(max_listed + 1);
    sessions[1].home = "b";
    const auto page = page_of<SessionList>(sessions, {});
    CHECK(page.sessions.size() == 1);
    CHECK(page.left_off == 1);
    CHECK(page.next == "a");
}

TEST_CASE("a limit of nothing counts") {
    const auto page = page_of<HomeList>(homes(5), {.after = "home-1001", .limit = 0});
    CHECK(page.homes.empty());
    CHECK(page.left_off == 3);
    CHECK(page.next == "home-1001");
}
