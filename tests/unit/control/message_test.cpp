#include "common/control/message.h"

#include <doctest/doctest.h>

#include "common/control/json.h"

using namespace relay;

TEST_CASE("a greeting of our version is accepted, with whatever else it says") {
    CHECK(greeting_line("relayd 0.1.0") == R"({"relay-control":1,"program":"relayd 0.1.0"})");
    CHECK(read_greeting(greeting_line("x")));
    CHECK(read_greeting(R"({"relay-control":1,"more":[1]})"));
    CHECK(read_greeting(R"({"relay-control":2})").error().code == ErrorCode::Unsupported);
}

TEST_CASE("what is no greeting is malformed") {
    for (const char* line : {"", "GET / HTTP/1.1", "{}", R"({"relay-control":"1"})",
                             R"({"relay-control":-1})", R"({"id":1,"do":"status"})", "[1]"}) {
        CAPTURE(line);
        CHECK(read_greeting(line).error().code == ErrorCode::Malformed);
    }
}

TEST_CASE("a request says what to do, and with what") {
    CHECK(request_line({7, "forwards.list", "{}"}) == R"({"id":7,"do":"forwards.list"})");
    const auto line = request_line({8, "homes.remove", to_json(RemoveHome{"a"})});
    CHECK(line == R"({"id":8,"do":"homes.remove","with":{"name":"a"}})");
    const auto request = read_request(line);
    REQUIRE(request);
    CHECK(request->id == 8);
    CHECK(request->method == "homes.remove");
    CHECK(from_json<RemoveHome>(request->with)->name == "a");
    CHECK(read_request(R"({"id":1,"do":"status","with":null,"later":true})")->with == "{}");
}

TEST_CASE("a bad request is refused under its id, as far as it has one") {
    struct Case {
        const char* line;
        bool has_id;
    };
    for (const auto& [line, has_id] : {
             Case{"", false},
             Case{"not json", false},
             Case{"[]", false},
             Case{"{}", false},
             Case{R"({"do":"status"})", false},
             Case{R"({"id":"7","do":"status"})", false},
             Case{R"({"id":-7,"do":"status"})", false},
             Case{R"({"id":9007199254740992,"do":"status"})", false},
             Case{R"({"id":7})", true},
             Case{R"({"id":7,"do":["status"]})", true},
             Case{R"({"id":7,"do":"status","with":[]})", true},
         }) {
        CAPTURE(line);
        const auto request = read_request(line);
        REQUIRE(!request);
        CHECK(request.error().error.code == ErrorCode::Malformed);
        CHECK(request.error().id.has_value() == has_id);
    }
}

TEST_CASE("replies are told apart") {
    const auto ok = read_reply(ok_line(7, R"({"a":[1]})"));
    REQUIRE(ok);
    CHECK(ok->kind == ControlReply::Kind::Ok);
    CHECK(ok->id == 7U);
    CHECK(ok->json == R"({"a":[1]})");

    const auto error = read_reply(error_line(7, {ErrorCode::NotFound, "no \"such\""}));
    REQUIRE(error);
    CHECK(error->kind == ControlReply::Kind::Error);
    CHECK(error->error.code == ErrorCode::NotFound);
    CHECK(error->error.text == "no \"such\"");

    const auto event = read_reply(event_line({.at = {}, .kind = "home-online", .home = "a"}));
    REQUIRE(event);
    CHECK(event->kind == ControlReply::Kind::Event);
    CHECK(from_json<EventSnapshot>(event->json)->home == "a");
}

TEST_CASE("an error about the connection has no id, and an unknown code is a refusal") {
    CHECK(error_line({}, {ErrorCode::TooLarge, "x"}) ==
          R"({"error":{"code":"too-large","text":"x"}})");
    const auto reply = read_reply(R"({"error":{"code":"from-the-future","text":"x"}})");
    CHECK(reply->error.code == ErrorCode::Refused);
    CHECK(!reply->id);
}

TEST_CASE("what is no reply is malformed") {
    for (const char* line : {"", "{}", R"({"id":1})", R"({"ok":{}})", R"({"id":1,"ok":[]})"}) {
        CAPTURE(line);
        CHECK(!read_reply(line));
    }
}
