#include "common/settings/listen_rule.h"

#include <doctest/doctest.h>

namespace relay {

TEST_CASE("a listen rule is read, in one spelling, and written back") {
    const std::pair<const char*, const char*> spellings[] = {
        {"3389", "127.0.0.1:3389"},
        {"22000-22004", "127.0.0.1:22000-22004"},
        {"localhost:80", "127.0.0.1:80"},
        {"0.0.0.0:2222", "0.0.0.0:2222"},
        {"[0:0::1]:5000-5009", "[::1]:5000-5009"},
        {"127.0.0.1:*", "127.0.0.1:*"},
        {"[::]:*", "[::]:*"},
    };
    for (const auto& [text, written] : spellings) {
        CAPTURE(text);
        const auto rule = parse_listen_rule(text);
        REQUIRE(rule);
        CHECK(to_text(*rule) == written);
        const auto again = parse_listen_rule(written);
        REQUIRE(again);
        CHECK(*again == *rule);
    }
    for (const char* text : {"", "*", ":*", ":", "0", "65536", "9-8", "host:80", "127.0.0.1",
                             "::1:*", "127.0.0.1:**", "127.0.0.1:1*", "127.0.0.1:80:*"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_listen_rule(text));
    }
}

TEST_CASE("a home may listen on what a rule names, and on no other address") {
    const std::vector<ListenRule> rules{*parse_listen_rule("5000-5009"),
                                        *parse_listen_rule("0.0.0.0:2222")};
    CHECK(may_listen(rules, {"127.0.0.1", 5000}));
    CHECK(may_listen(rules, {"127.0.0.1", 5009}));
    CHECK(may_listen(rules, {"0.0.0.0", 2222}));
    CHECK_FALSE(may_listen(rules, {"127.0.0.1", 4999}));
    CHECK_FALSE(may_listen(rules, {"127.0.0.1", 5010}));
    CHECK_FALSE(may_listen(rules, {"127.0.0.1", 2222}));
    CHECK_FALSE(may_listen(rules, {"0.0.0.0", 5000}));
    CHECK_FALSE(may_listen(rules, {"::1", 5000}));
    CHECK_FALSE(may_listen({}, {"127.0.0.1", 5000}));
}

TEST_CASE("a home may listen on a unix socket that a rule names") {
    for (const auto* text : {"unix:/run/relayd/db", "unix:/run/relayd/*"}) {
        const auto rule = parse_listen_rule(text);
        REQUIRE(rule);
        CHECK(to_text(*rule) == text);
        CHECK(may_listen({*rule}, {"unix:/run/relayd/db", unix_port}));
        CHECK(!may_listen({*rule}, {"unix:/run/other/db", unix_port}));
        CHECK(!may_listen({*rule}, {"127.0.0.1", unix_port}));
    }
    CHECK(!may_listen({*parse_listen_rule("127.0.0.1:*")}, {"unix:/run/relayd/db", unix_port}));
}

}  // namespace relay
