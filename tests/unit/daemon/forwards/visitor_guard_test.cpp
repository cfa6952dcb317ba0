#include "daemon/forwards/visitor_guard.h"

#include <doctest/doctest.h>

using namespace relay;
using namespace std::chrono_literals;
using Answer = VisitorGuard::Answer;

namespace {

constexpr TimePoint start{};
const GuardSettings few{
    .connections = 6, .brief = 3, .refuse_for = 1h, .always = {*parse_cidr("198.51.100.0/24")}};

IpAddress at(const char* text) {
    return *parse_ip_address(text);
}

// A connection that is tried and dropped, as by who guesses passwords.
bool guess(VisitorGuard& guard, const char* from, TimePoint when) {
    if (guard.came(at(from), when) != Answer::Admit) return false;
    guard.ended(at(from), 3s, when + 3s);
    return true;
}

}  // namespace

TEST_CASE("who comes too often is refused for a while") {
    VisitorGuard guard{few};
    for (int i = 0; i < 6; ++i) CHECK(guard.came(at("203.0.113.7"), start) == Answer::Admit);
    CHECK(guard.came(at("203.0.113.7"), start) == Answer::RefuseFromNow);
    CHECK(guard.came(at("203.0.113.7"), start + 59min) == Answer::Refuse);
    CHECK(guard.came(at("203.0.113.8"), start) == Answer::Admit);
    CHECK(guard.came(at("203.0.113.7"), start + 61min) == Answer::Admit);
}

TEST_CASE("who comes steadily is never refused") {
    VisitorGuard guard{few};
    for (int i = 0; i < 500; ++i) {
        CHECK(guard.came(at("203.0.113.7"), start + i * 10s) == Answer::Admit);
        CHECK(!guard.ended(at("203.0.113.7"), 30s, start + i * 10s + 30s));
    }
}

TEST_CASE("short connections in a row are guesses") {
    VisitorGuard guard{few};
    CHECK(guess(guard, "203.0.113.7", start));
    CHECK(guess(guard, "203.0.113.7", start + 10s));
    CHECK(guess(guard, "203.0.113.7", start + 20s));
    CHECK(!guess(guard, "203.0.113.7", start + 30s));
    const auto listed = guard.sources(start + 31s);
    REQUIRE(listed.size() == 1);
    CHECK(to_text(listed[0].network) == "203.0.113.7");
    CHECK(listed[0].fault == VisitorGuard::Fault::TooBrief);
    CHECK(listed[0].came == 4);
    CHECK(listed[0].brief == 3);
    CHECK(listed[0].refused == 1);
}

TEST_CASE("short connections now and then are a way to work") {
    VisitorGuard guard{few};
    for (int i = 0; i < 100; ++i) CHECK(guess(guard, "203.0.113.7", start + i * 5min));
}

TEST_CASE("a host has a /64 of IPv6") {
    VisitorGuard guard{few};
    for (int i = 0; i < 3; ++i) CHECK(guess(guard, i == 1 ? "2001:db8::1" : "2001:db8::2", start));
    CHECK(!guess(guard, "2001:db8::77", start));
    CHECK(guess(guard, "2001:db8:0:1::77", start));
}

TEST_CASE("loopback and the networks named are never refused") {
    VisitorGuard guard{few};
    for (int i = 0; i < 100; ++i) {
        CHECK(guess(guard, "127.0.0.1", start));
        CHECK(guess(guard, "198.51.100.200", start));
    }
    CHECK(guard.sources(start).empty());
}

TEST_CASE("a source that is released begins anew") {
    VisitorGuard guard{few};
    for (int i = 0; i < 4; ++i) (void)guess(guard, "203.0.113.7", start);
    CHECK(!guess(guard, "203.0.113.7", start));
    CHECK(guard.release(at("203.0.113.7")));
    CHECK(!guard.release(at("203.0.113.7")));
    CHECK(guess(guard, "203.0.113.7", start));
}

TEST_CASE("new settings count anew, and refuse on") {
    VisitorGuard guard{few};
    for (int i = 0; i < 4; ++i) (void)guess(guard, "203.0.113.7", start);
    CHECK(guess(guard, "203.0.113.8", start));
    guard.set({.connections = 1, .brief = 1, .refuse_for = 1min, .always = {}});
    CHECK(!guess(guard, "203.0.113.7", start + 10s));
    CHECK(guard.sources(start + 10s).size() == 1);
}

TEST_CASE("a flood of sources pushes out nobody who is refused") {
    VisitorGuard guard{few};
    for (int i = 0; i < 4; ++i) (void)guess(guard, "203.0.113.7", start);
    for (unsigned i = 0; i < 3 * VisitorGuard::sources_most; ++i) {
        const auto from = "10." + std::to_string(i >> 16) + '.' + std::to_string(i >> 8 & 255) +
                          '.' + std::to_string(i & 255);
        CHECK(guard.came(at(from.c_str()), start + i * 1ms) == Answer::Admit);
    }
    CHECK(guard.sources(start + 20s).size() == VisitorGuard::sources_most);
    CHECK(!guess(guard, "203.0.113.7", start + 20s));
}
