#include "common/control/json.h"

#include <doctest/doctest.h>

#include <limits>

using namespace relay;
using namespace std::chrono_literals;

namespace {

constexpr Moment moment{1'795'239'470'123, 12.5};

ProbeSnapshot a_probe() {
    return {.home = "work-pc",
            .forward = "127.0.0.1:3389",
            .target = "127.0.0.1:3389",
            .kind = "rdp",
            .verdict = "ok",
            .ok = true,
            .detail = "",
            .connect_ms = 1.25,
            .answer_ms = 12.5,
            .at = moment};
}

SessionSnapshot a_session() {
    return {
        .home = "work-pc",
        .id = "00112233",
        .state = "attached",
        .address = "203.0.113.7:40022",
        .since = moment,
        .carriers = {{"wss", "203.0.113.7:40022", moment, 20.5, 1, 2}},
        .rtt_ms = {},
        .streams = 3,
        .bytes_in = std::numeric_limits<std::uint64_t>::max(),
        .bytes_out = 0,
        .forwards = {{"127.0.0.1:3389", "127.0.0.1:3389", a_probe()}, {"[::1]:22", "db:22", {}}}};
}

// Read back and written again: equal text means that no field was lost.
template <typename T>
void check_round_trip(const T& value) {
    const auto text = to_json(value);
    const auto again = from_json<T>(text);
    REQUIRE(again);
    CHECK(to_json(*again) == text);
}

template <typename T>
std::string fault_of(std::string_view text) {
    const auto value = from_json<T>(text);
    return value ? "" : value.error().text;
}

}  // namespace

TEST_CASE("a snapshot's JSON is as CONTROL.md shows it") {
    CHECK(to_json(ProbeList{{a_probe()}, 0}) ==
          R"({"probes":[{"home":"work-pc","forward":"127.0.0.1:3389","target":"127.0.0.1:3389",)"
          R"("kind":"rdp","verdict":"ok","ok":true,"connect_ms":1.25,"answer_ms":12.5,)"
          R"("at":"2026-11-21T05:37:50.123Z","at_s":12.5}],"left_off":0})");
    CHECK(to_json(Nothing{}) == "{}");
}

TEST_CASE("every snapshot survives its way to JSON and back") {
    StatusSnapshot status{.version = "0.1.0", .role = "relay", .pid = 4711, .started = moment};
    status.listen = {"wss://0.0.0.0:443", "tls://[::]:8443"};
    status.problems = {"forward 127.0.0.1:22 cannot listen: address in use"};
    check_round_trip(status);
    check_round_trip(SessionList{{a_session(), {}}, 7});
    check_round_trip(StreamList{{{.id = 9, .home = "a", .since = moment, .bytes_in = 5}}, 0});
    check_round_trip(ForwardList{
        {{.home = "a", .grace_s = 0.5, .expires = moment, .listening = true, .probe = a_probe()}},
        0});
    check_round_trip(HomeList{{{.name = "a", .fingerprints = {"SHA256:x"}, .since = moment}}, 0});
    check_round_trip(AllowList{{{"127.0.0.1:3389", "config"}}, 0});
    check_round_trip(ReloadSnapshot{{"forward added"}, {"state-dir"}});
    check_round_trip(
        EventSnapshot{moment, "home-online", "a", "b", "c", "d \"quoted\"\n\x1b", "e", "f", "g"});
}

TEST_CASE("every request survives its way to JSON and back") {
    check_round_trip(ListPart{.home = "a", .after = "b", .limit = 3});
    check_round_trip(AddForward{"a", "3389", "b:1", "rdp", 30.0, true, 7200.0, true});
    check_round_trip(ForwardSelector{"a", "22000-22004"});
    check_round_trip(SessionSelector{"a"});
    check_round_trip(StreamSelector{"a", 12, "b"});
    check_round_trip(AddHome{"a", "ssh-ed25519 AAAA a", "10.0.0.0/8", {"3389"}, {"relay:5432"}});
    check_round_trip(RemoveHome{"a"});
    check_round_trip(AddAllow{"127.0.0.1:1"});
    check_round_trip(ProbeSelector{"a", "3389"});
}

TEST_CASE("unknown fields are ignored; missing ones and null keep their default") {
    const auto request = from_json<AddForward>(R"({"colour":[{}],"listen":"22","grace_s":null})");
    REQUIRE(request);
    CHECK(request->listen == "22");
    CHECK(!request->grace_s);
    CHECK(!request->temporary);
}

TEST_CASE("a field of another type is named") {
    CHECK(fault_of<AddForward>(R"({"listen":22})") == "field listen must be text");
    CHECK(fault_of<AddForward>(R"({"temporary":"yes"})") ==
          "field temporary must be true or false");
    CHECK(fault_of<AddForward>(R"({"grace_s":"30s"})") == "field grace_s must be a number");
    CHECK(fault_of<StreamSelector>(R"({"id":-1})") == "field id must be a whole number from 0 up");
    CHECK(fault_of<StreamSelector>(R"({"id":1.5})") == "field id must be a whole number from 0 up");
    CHECK(fault_of<StatusSnapshot>(R"({"pid":18446744073709551615})") ==
          "field pid must be a whole number");
    CHECK(fault_of<StatusSnapshot>(R"({"listen":"a"})") == "field listen must be a list");
    CHECK(fault_of<StatusSnapshot>(R"({"listen":[1]})") == "field listen must be a list");
    CHECK(fault_of<EventSnapshot>(R"({"at":"yesterday"})") ==
          "field at must be a time such as 2026-11-21T05:37:50.123Z");
    CHECK(fault_of<SessionList>(R"({"sessions":[{"carriers":[{"bytes_in":"x"}]}]})") ==
          "field bytes_in must be a whole number from 0 up");
}

TEST_CASE("what is no JSON object is malformed") {
    for (const char* text : {"", "null", "[]", "1", "{", "{\"a\":}", "{}{}", "\xff"}) {
        CAPTURE(text);
        const auto value = from_json<Nothing>(text);
        REQUIRE(!value);
        CHECK(value.error().code == ErrorCode::Malformed);
    }
}

TEST_CASE("JSON nested deeper than the limit is refused, whatever its brackets") {
    CHECK(from_json<Nothing>(R"({"x":[[[[[["[[[[[[[[[[[[[[[[[[\"[["]]]]]]})"));
    CHECK(fault_of<Nothing>("{\"x\":" + std::string(60'000, '[')) == "JSON nested too deep");
}

TEST_CASE("bytes that are not UTF-8 do not spoil the line") {
    CHECK(to_json(ListPart{"a\xff"}) == "{\"home\":\"a\xEF\xBF\xBD\"}");
}

TEST_CASE("a moment is counted from now, backwards and forwards") {
    const TimePoint now{100s};
    CHECK(moment_of(TimePoint{90s}, now, 1'000'000).unix_ms == 990'000);
    CHECK(moment_of(TimePoint{90s}, now, 1'000'000).distance_s == doctest::Approx(10));
    CHECK(moment_of(TimePoint{101s}, now, 1'000'000).unix_ms == 1'001'000);
    CHECK(moment_of(TimePoint{101s}, now, 1'000'000).distance_s == doctest::Approx(1));
}
