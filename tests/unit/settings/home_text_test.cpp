#include "common/settings/home_text.h"

#include <doctest/doctest.h>

#include "common/settings/load.h"

using namespace relay;

TEST_CASE("a home's file is read back as it was meant") {
    HomeSettings home;
    home.name = "work-pc";
    home.relays = {*parse_endpoint("wss://vps.example.com/a"), *parse_endpoint("tls://[::1]:8443")};
    home.relay_key = Fingerprint{};
    home.key = "/srv/a \"key\"";
    home.proxy = "http://user:a\\b\"c#d@proxy:8080";
    home.roads.carrier = CarrierChoice::Poll;
    home.allow = {*parse_allow_rule("127.0.0.1:3389"), *parse_allow_rule("nas.lan:22000-22004"),
                  *parse_allow_rule("[2001:db8::/32]:*")};
    const auto outcome = load_settings({"relayd.yaml", home_text(home)}, {});
    REQUIRE(outcome.settings);
    const HomeSettings& read = *outcome.settings->home;
    CHECK(read.name == home.name);
    CHECK(read.relays == home.relays);
    CHECK(read.relay_key == home.relay_key);
    CHECK(read.key == home.key);
    CHECK(read.proxy == home.proxy);
    CHECK(read.allow == home.allow);
    CHECK(read.roads == home.roads);
}

TEST_CASE("a home that allows nothing has a file too") {
    HomeSettings home;
    home.name = "null";  // A word that YAML has plans for.
    home.relays = {*parse_endpoint("wss://vps")};
    const auto outcome = load_settings({"relayd.yaml", home_text(home)}, {});
    REQUIRE(outcome.settings);
    CHECK(outcome.settings->home->name == "null");
    CHECK(outcome.settings->home->allow.empty());
}
