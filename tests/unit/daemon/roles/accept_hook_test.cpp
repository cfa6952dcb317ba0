#include "daemon/roles/accept_hook.h"

#include <doctest/doctest.h>

#include "common/control/json.h"

namespace relay {

TEST_CASE("only an answer that says allow lets somebody in") {
    CHECK(verdict_of(R"({"allow":true})", true).allowed);
    const auto denied = verdict_of(R"({"allow":false,"reason":"on leave"})", true);
    CHECK_FALSE(denied.allowed);
    CHECK(denied.reason == "on leave");
    CHECK(denied.fault.empty());
    for (const char* text :
         {"", "{", "true", "[]", "{}", R"({"allow":"yes"})", R"({"allow":1})", R"({"allow":null})",
          R"({"allow":true} {"allow":true})", R"({"reason":"because"})"}) {
        CAPTURE(text);
        const auto verdict = verdict_of(text, true);
        CHECK_FALSE(verdict.allowed);
        CHECK_FALSE(verdict.fault.empty());
    }
    CHECK_FALSE(
        verdict_of(R"({"allow":true,"reason":")" + std::string(300, 'x') + "\"}", true).allowed);
}

TEST_CASE("forwards are a home's, are few, and make sense") {
    const std::string one = R"({"listen":"3389","to":"10.0.0.7:3389"})";
    const auto answer = [](const std::string& forwards) {
        return R"({"allow":true,"forwards":[)" + forwards + "]}";
    };
    const auto verdict = verdict_of(answer(one), true);
    REQUIRE(verdict.forwards.size() == 1);
    CHECK(verdict.forwards[0].listen == HostPort{"127.0.0.1", 3389});
    CHECK(verdict.forwards[0].target == HostPort{"10.0.0.7", 3389});
    CHECK_FALSE(verdict_of(answer(one), false).allowed);
    CHECK_FALSE(verdict_of(answer(R"({"listen":"no"})"), true).allowed);
    CHECK_FALSE(verdict_of(answer(R"({"listen":"1000-1016"})"), true).allowed);
    CHECK(verdict_of(answer(R"({"listen":"1000-1015"})"), true).allowed);
}

TEST_CASE("a program gets its facts as one JSON object") {
    AcceptFacts facts;
    facts.kind = "home";
    facts.name = "work-pc";
    facts.address = "203.0.113.7:50122";
    const std::string text = to_json(facts);
    CHECK(text.find(R"("relayd-accept":1)") != text.npos);
    CHECK(text.find(R"("name":"work-pc")") != text.npos);
    CHECK(text.find('\n') == text.npos);
}

}  // namespace relay
