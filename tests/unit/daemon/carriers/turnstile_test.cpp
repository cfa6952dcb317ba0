#include "daemon/carriers/turnstile.h"

#include <doctest/doctest.h>

#include <vector>

using namespace relay;

namespace {

const IpAddress crowd = source_of("192.0.2.1:4711");
const IpAddress loner = source_of("198.51.100.7:4711");

GuestId comes_and_speaks(Turnstile& turnstile, const IpAddress& source) {
    const GuestId guest = turnstile.arrived(source);
    turnstile.spoke(guest);
    return guest;
}

}  // namespace

TEST_CASE("a source is an IPv4 address, or an IPv6 network of 64 bits") {
    CHECK(source_of("192.0.2.1:1") == source_of("192.0.2.1:2"));
    CHECK(source_of("192.0.2.1:1") != source_of("192.0.2.2:1"));
    CHECK(source_of("[2001:db8::1]:1") == source_of("[2001:db8::ffff]:1"));
    CHECK(source_of("[2001:db8::1]:1") != source_of("[2001:db8:0:1::1]:1"));
    CHECK(source_of("unix") == IpAddress{});
}

TEST_CASE("whoever is silent waits, and who spoke first comes in first") {
    Turnstile turnstile{{.inside_most = 10, .outside_most = 10}};
    const GuestId silent = turnstile.arrived(crowd);
    const GuestId second = turnstile.arrived(crowd);
    const GuestId first = comes_and_speaks(turnstile, crowd);
    turnstile.spoke(second);
    CHECK(turnstile.next() == first);
    CHECK(turnstile.next() == second);
    CHECK(!turnstile.next());
    CHECK(turnstile.outside() == 1);
    turnstile.gone(silent);
    CHECK(turnstile.outside() == 0);
}

TEST_CASE("a thousand from one source do not delay one from another") {
    Turnstile turnstile{{.inside_most = 256, .outside_most = 8192}};
    for (int i = 0; i < 1000; ++i) comes_and_speaks(turnstile, crowd);
    (void)turnstile.next();
    const GuestId guest = comes_and_speaks(turnstile, loner);
    CHECK((turnstile.next() == guest || turnstile.next() == guest));
}

TEST_CASE("a source takes as many places as it leaves, and all once others have left") {
    Turnstile turnstile{{.inside_most = 256, .outside_most = 8192}};
    for (int i = 0; i < 1000; ++i) comes_and_speaks(turnstile, crowd);
    while (turnstile.next()) {
    }
    CHECK(turnstile.inside() == 128);
    CHECK(!turnstile.anyone_may_enter());
    for (int i = 0; i < 1000; ++i) comes_and_speaks(turnstile, loner);
    while (turnstile.next()) {
    }
    CHECK(turnstile.inside() == 192);
    turnstile.left(crowd);
    CHECK(turnstile.next());
}

TEST_CASE("when too many wait, the silent of the largest crowd go first, the longest there first") {
    Turnstile turnstile{{.inside_most = 1, .outside_most = 4}};
    const GuestId home = turnstile.arrived(loner);
    std::vector<GuestId> guests;
    for (int i = 0; i < 3; ++i) guests.push_back(turnstile.arrived(crowd));
    CHECK(!turnstile.is_crowded());
    turnstile.spoke(guests[0]);
    guests.push_back(turnstile.arrived(crowd));
    CHECK(turnstile.is_crowded());
    CHECK(turnstile.least_welcome() == guests[1]);
    turnstile.gone(guests[1]);
    CHECK(!turnstile.is_crowded());
    turnstile.spoke(guests[2]);
    turnstile.spoke(guests[3]);
    const GuestId last = comes_and_speaks(turnstile, crowd);
    CHECK(turnstile.least_welcome() == last);
    turnstile.gone(last);
    turnstile.gone(home);
    CHECK(turnstile.outside() == 3);
}

TEST_CASE("who comes another way has a place at once, or none, and leaves as many to others") {
    Turnstile turnstile{{.inside_most = 4, .outside_most = 10}};
    CHECK(turnstile.enter_at_once(crowd));
    CHECK(turnstile.enter_at_once(crowd));
    CHECK_FALSE(turnstile.enter_at_once(crowd));
    CHECK(turnstile.enter_at_once(loner));
    CHECK(turnstile.inside() == 3);
    turnstile.left(loner);
    turnstile.left(crowd);
    turnstile.left(crowd);
    CHECK(turnstile.inside() == 0);
}

TEST_CASE("who is introduced by a proxy has his own turn") {
    Turnstile turnstile{{.inside_most = 4, .outside_most = 3}};
    const IpAddress proxy = source_of("192.0.2.1:1");
    const IpAddress client = source_of("203.0.113.7:0");
    const GuestId first = turnstile.arrived(proxy);
    const GuestId second = turnstile.arrived(proxy);
    const GuestId third = turnstile.arrived(proxy);
    turnstile.is_of(second, client);
    turnstile.is_of(second, client);
    for (const auto guest : {first, second, third}) turnstile.spoke(guest);
    CHECK(turnstile.next() == first);
    CHECK(turnstile.next() == second);
    turnstile.left(client);
    CHECK(turnstile.next() == third);
    turnstile.left(proxy);
    turnstile.left(proxy);
    CHECK(turnstile.inside() == 0);
    CHECK(turnstile.outside() == 0);
}
