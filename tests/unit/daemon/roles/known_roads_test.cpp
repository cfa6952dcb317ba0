#include "daemon/roles/known_roads.h"

#include <doctest/doctest.h>

#include <fstream>

#include "daemon/roles/approach.h"
#include "tests/unit/daemon/identity/temporary_directory.h"

using namespace relay;

namespace {

Endpoint endpoint(const char* text) {
    return *parse_endpoint(text);
}

}  // namespace

TEST_CASE("the road that worked last is remembered for each relay") {
    const TemporaryDirectory directory;
    const KnownRoads roads{directory.file(".")};
    CHECK_FALSE(roads.lookup(endpoint("wss://a")));
    REQUIRE(roads.remember(endpoint("wss://a"), RoadKind::PollByProxy));
    REQUIRE(roads.remember(endpoint("wss://a/path"), RoadKind::UpgradeByProxy));
    REQUIRE(roads.remember(endpoint("wss://a"), RoadKind::UpgradeDirect));
    const KnownRoads again{directory.file(".")};
    CHECK(again.lookup(endpoint("wss://a")) == RoadKind::UpgradeDirect);
    CHECK(again.lookup(endpoint("wss://a/path")) == RoadKind::UpgradeByProxy);
    CHECK_FALSE(again.lookup(endpoint("ws://a:443")));
}

TEST_CASE("a file that makes no sense says nothing, and is mended") {
    const TemporaryDirectory directory;
    std::ofstream{directory.file("known_roads")} << "wss://a:443 by-ship\n\x01\xff wss\n";
    const KnownRoads roads{directory.file(".")};
    CHECK_FALSE(roads.lookup(endpoint("wss://a")));
    REQUIRE(roads.remember(endpoint("wss://a"), RoadKind::PollDirect));
    CHECK(roads.lookup(endpoint("wss://a")) == RoadKind::PollDirect);
}

TEST_CASE("only so many relays are remembered") {
    const TemporaryDirectory directory;
    const KnownRoads roads{directory.file(".")};
    for (std::size_t port = 1; port <= KnownRoads::most + 1; ++port) {
        REQUIRE(roads.remember(endpoint(("wss://a:" + std::to_string(port)).c_str()),
                               RoadKind::PollDirect));
    }
    CHECK_FALSE(roads.lookup(endpoint("wss://a:1")));
    CHECK(roads.lookup(endpoint("wss://a:2")));
    CHECK(roads.lookup(endpoint(("wss://a:" + std::to_string(KnownRoads::most + 1)).c_str())));
}

TEST_CASE("a proxy in the settings is the only way out, and a named carrier the only road") {
    DialSettings settings;
    settings.proxy = "http://proxy:3128";
    CHECK(roads_to(endpoint("wss://a"), settings) == roads_by({.relay = false, .proxy = true}));
    CHECK(roads_to(endpoint("tls://a"), settings) == Roads{RoadKind::Written});
    CHECK(roads_to(endpoint("https+poll://a"), settings) == Roads{RoadKind::Written});
    settings.proxy = "none";
    CHECK(roads_to(endpoint("ws://a"), settings) == roads_by({.relay = true, .proxy = false}));
    settings.roads.carrier = CarrierChoice::Wss;
    CHECK(roads_to(endpoint("wss://a"), settings) == Roads{RoadKind::Written});
}
