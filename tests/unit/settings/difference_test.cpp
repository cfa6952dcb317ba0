#include "common/settings/difference.h"

#include <doctest/doctest.h>

using namespace relay;
using namespace std::chrono_literals;

namespace {

ForwardSettings forward(std::uint16_t port, std::uint16_t to) {
    return {.listen = {"127.0.0.1", port}, .target = {"127.0.0.1", to}};
}

HomeEntry home(std::uint8_t key, std::vector<ForwardSettings> forwards) {
    HomeEntry entry;
    entry.keys.push_back({.key = {{key}}, .comment = "", .from = {}});
    entry.forwards = std::move(forwards);
    return entry;
}

Settings relay_with(std::map<std::string, HomeEntry> homes) {
    Settings settings;
    settings.relay.emplace().homes = std::move(homes);
    return settings;
}

Settings a_home() {
    Settings settings;
    auto& home = settings.home.emplace();
    home.name = "a";
    home.relays.push_back({.kind = CarrierKind::Wss, .host = "r", .port = 443, .path = "/"});
    return settings;
}

}  // namespace

TEST_CASE("the same settings differ in nothing") {
    const auto settings = relay_with({{"a", home(1, {forward(1, 1)})}});
    CHECK(difference_of(settings, settings).is_empty());
    CHECK(difference_of(a_home(), a_home()).is_empty());
}

TEST_CASE("homes come and go by their names") {
    const auto difference = difference_of(relay_with({{"a", home(1, {})}, {"b", home(2, {})}}),
                                          relay_with({{"b", home(2, {})}, {"c", home(3, {})}}));
    CHECK(difference.homes_added == std::vector<std::string>{"c"});
    CHECK(difference.homes_removed == std::vector<std::string>{"a"});
    CHECK(difference.homes_changed.empty());
}

TEST_CASE("forwards are known by their listeners") {
    const auto before = relay_with({{"a", home(1, {forward(1, 1), forward(2, 2), forward(3, 3)})}});
    const auto after = relay_with({{"a", home(1, {forward(4, 4), forward(2, 9), forward(3, 3)})}});
    const auto difference = difference_of(before, after);
    REQUIRE(difference.homes_changed.size() == 1);
    const auto& changed = difference.homes_changed[0];
    CHECK(changed.name == "a");
    CHECK_FALSE(changed.keys_changed);
    REQUIRE(changed.forwards_removed.size() == 1);
    CHECK(changed.forwards_removed[0].listen.port == 1);
    REQUIRE(changed.forwards_added.size() == 1);
    CHECK(changed.forwards_added[0].listen.port == 4);
    REQUIRE(changed.forwards_changed.size() == 1);
    CHECK(changed.forwards_changed[0].before.target.port == 2);
    CHECK(changed.forwards_changed[0].after.target.port == 9);
}

TEST_CASE("another key and other networks change a home") {
    auto after = relay_with({{"a", home(2, {})}});
    after.relay->homes["a"].from.push_back(*parse_cidr("10.0.0.0/8"));
    const auto difference = difference_of(relay_with({{"a", home(1, {})}}), after);
    REQUIRE(difference.homes_changed.size() == 1);
    CHECK(difference.homes_changed[0].keys_changed);
    CHECK(difference.homes_changed[0].from_changed);
}

TEST_CASE("endpoints are added and removed one by one") {
    auto after = relay_with({});
    after.relay->listen[0].port = 8443;
    const auto difference = difference_of(relay_with({}), after);
    REQUIRE(difference.listen_removed.size() == 1);
    CHECK(difference.listen_removed[0].port == 443);
    REQUIRE(difference.listen_added.size() == 1);
    CHECK(difference.listen_added[0].port == 8443);
}

TEST_CASE("what holds at once is told from what needs a restart") {
    auto after = a_home();
    after.log_level = LogLevel::Debug;
    after.control = "/x";
    after.home->allow.push_back(*parse_allow_rule("127.0.0.1:22"));
    after.home->keep_streams = 1h;
    after.home->tls_verify = TlsVerify::System;
    after.home->relays[0].host = "other";
    const auto difference = difference_of(a_home(), after);
    CHECK(difference.log_level_changed);
    CHECK(difference.allow_changed);
    CHECK(difference.changed == std::vector<std::string>{"home.keep-streams"});
    CHECK(difference.need_restart ==
          std::vector<std::string>{"control", "home.relay", "home.tls-verify"});
}

TEST_CASE("another role needs a restart") {
    CHECK(difference_of(a_home(), relay_with({})).need_restart ==
          std::vector<std::string>{"relay"});
}
