#include "common/settings/reach_rule.h"

#include <doctest/doctest.h>

#include "common/settings/forward.h"

namespace relay {

namespace {

ForwardSettings forward(std::uint16_t listen, std::uint16_t target) {
    ForwardSettings settings;
    settings.listen = {"127.0.0.1", listen};
    settings.target = {"127.0.0.1", target};
    return settings;
}

}  // namespace

TEST_CASE("a reach rule is read and written back") {
    for (const char* text : {"work-pc:3389", "work-pc:22000-22004", "lab_7.example:*"}) {
        CAPTURE(text);
        const auto rule = parse_reach_rule(text);
        REQUIRE(rule);
        CHECK(to_text(*rule) == text);
    }
    for (const char* text : {"", ":", "work-pc", "work-pc:", ":22", "-a:22", "a b:22", "a:0",
                             "a:65536", "a:9-8", "a:1-", "a:**", "a:22:22", "[::1]:22"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_reach_rule(text));
    }
}

TEST_CASE("a port names the forward that listens there, or the only one that leads to it") {
    const auto rdp = forward(3389, 3389), web = forward(8080, 80), other = forward(8081, 81);
    const auto odd = forward(80, 22);
    CHECK(forward_named({&rdp, &web, &other}, 3389) == &rdp);
    CHECK(forward_named({&rdp, &web, &other}, 80) == &web);
    CHECK(forward_named({&rdp, &web, &odd}, 80) == &odd);
    CHECK(forward_named({&rdp, &web, &other}, 82) == nullptr);
    CHECK(forward_named({}, 22) == nullptr);
    const auto twice = forward(8082, 80), thrice = forward(8083, 80);
    CHECK(forward_named({&web, &twice}, 80) == nullptr);
    CHECK(forward_named({&web, &twice, &thrice}, 80) == nullptr);
    CHECK(forward_named({&web, &twice, &thrice}, 8083) == &thrice);
}

TEST_CASE("a visitor reaches what a rule names, by either port, and nothing else") {
    const auto rdp = forward(13389, 3389), ssh = forward(2222, 22), ssh2 = forward(2223, 22);
    const Forwards all{&rdp, &ssh, &ssh2};
    const auto allowed = [&](const char* rule, const ForwardSettings& to) {
        return may_reach({*parse_reach_rule(rule)}, "work-pc", all, to);
    };
    CHECK(allowed("work-pc:13389", rdp));
    CHECK(allowed("work-pc:3389", rdp));
    CHECK(allowed("work-pc:*", rdp));
    CHECK(allowed("work-pc:2000-4000", rdp));
    CHECK_FALSE(allowed("work-pc:13390-13400", rdp));
    CHECK_FALSE(allowed("lab:*", rdp));
    CHECK(allowed("work-pc:2222", ssh));
    // Two lead to port 22, so that it names neither.
    CHECK_FALSE(allowed("work-pc:22", ssh));
    CHECK_FALSE(allowed("work-pc:22", ssh2));
    CHECK_FALSE(may_reach({}, "work-pc", all, rdp));
}

TEST_CASE("a port that one forward listens on does not open another that leads to it") {
    const auto web = forward(80, 8080), other = forward(9000, 80);
    const Forwards all{&web, &other};
    const std::vector rules{*parse_reach_rule("work-pc:80")};
    CHECK(may_reach(rules, "work-pc", all, web));
    CHECK_FALSE(may_reach(rules, "work-pc", all, other));
}

TEST_CASE("what a visitor listens on is 127.0.0.1 and the home's ports, unless said") {
    const auto plain = parse_visit("work-pc:3389", "");
    REQUIRE(plain);
    REQUIRE(plain->size() == 1);
    CHECK(to_text(plain->front().listen) == "127.0.0.1:3389");
    CHECK(to_text(plain->front().target) == "work-pc:3389");
    const auto range = parse_visit("lab:22000-22001", "[::1]:23000-23001");
    REQUIRE(range);
    REQUIRE(range->size() == 2);
    CHECK(to_text(range->back().listen) == "[::1]:23001");
    CHECK(to_text(range->back().target) == "lab:22001");
    CHECK_FALSE(parse_visit("work-pc:*", ""));
    CHECK_FALSE(parse_visit("work-pc", ""));
    CHECK_FALSE(parse_visit("work-pc:1-2", "22"));
    CHECK_FALSE(parse_visit("work-pc:22", "vps:22"));
}

TEST_CASE("SOCKS5 is for the loopback alone") {
    CHECK(to_text(*parse_dynamic("1080")) == "127.0.0.1:1080");
    CHECK(to_text(*parse_dynamic("[::1]:1080")) == "[::1]:1080");
    for (const char* text : {"0.0.0.0:1080", "192.0.2.1:1080", "1080-1081", "", "*:1080"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_dynamic(text));
    }
}

TEST_CASE("a visitor reaches sockets that a rule names, and all by '*'") {
    ForwardSettings db, ssh;
    db.listen = *parse_unix("unix:/run/relayd/db");
    db.target = *parse_unix("unix:/run/postgresql/db");
    ssh.listen = {"127.0.0.1", 1};
    ssh.target = {"127.0.0.1", 22};
    const Forwards all{&db, &ssh};
    CHECK(forward_named(all, 1) == &ssh);
    CHECK(forward_named(all, "unix:/run/relayd/db") == &db);
    CHECK(forward_named(all, "unix:/run/postgresql/db") == &db);
    CHECK(forward_named(all, "unix:/run/other") == nullptr);
    const auto may = [&](const char* text, const ForwardSettings& forward) {
        const auto rule = parse_reach_rule(text);
        REQUIRE(rule);
        CHECK(to_text(*rule) == text);
        return may_reach({*rule}, "work-pc", all, forward);
    };
    CHECK(may("work-pc:unix:/run/relayd/db", db));
    CHECK(may("work-pc:unix:/run/relayd/*", db));
    CHECK(may("work-pc:unix:/run/postgresql/db", db));
    CHECK(may("work-pc:*", db));
    CHECK(!may("work-pc:1", db));
    CHECK(!may("work-pc:1-100", db));
    CHECK(!may("work-pc:unix:/run/relayd/db", ssh));
    CHECK(!may("other:unix:/run/relayd/db", db));
    CHECK(!parse_reach_rule("work-pc:unix:run"));
    const auto socket = home_socket("work-pc:unix:/run/relayd/db");
    REQUIRE(socket);
    CHECK(socket->home == "work-pc");
    CHECK(socket->socket == "unix:/run/relayd/db");
    CHECK(!home_socket("work-pc"));
    CHECK(!home_socket("work-pc:unix:/run/../db"));
}

}  // namespace relay
