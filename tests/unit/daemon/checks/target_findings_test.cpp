#include "daemon/checks/target_findings.h"

#include <doctest/doctest.h>

using namespace relay;
using namespace std::chrono_literals;

namespace {

TargetSeen seen_at_home() {
    return {.target = {"127.0.0.1", 3389}, .home = "work-pc", .kind = ProbeKind::Rdp};
}

// "allow ok, target broken, protocol skipped"
std::string states(const std::vector<CheckSnapshot>& checks) {
    std::string text;
    for (const auto& check : checks) {
        text += (text.empty() ? "" : ", ") + check.hop + " " + check.state;
    }
    return text;
}

std::vector<CheckSnapshot> findings(const TargetSeen& seen) {
    Checklist checks{"forward"};
    add_target_findings(checks, seen);
    return checks.take();
}

std::string advice(const std::vector<CheckSnapshot>& checks) {
    for (const auto& check : checks) {
        if (check.state == "broken") return check.advice;
    }
    return {};
}

}  // namespace

TEST_CASE("a target that answers is ok, with what it says") {
    auto seen = seen_at_home();
    seen.detail = "RDP, NLA (PROTOCOL_HYBRID)";
    seen.connect = 3ms;
    seen.answer = 12ms;
    const auto checks = findings(seen);
    CHECK(states(checks) == "allow ok, target ok, protocol ok");
    CHECK(checks[1].ms == 3);
    CHECK(checks[2].text == "rdp: RDP, NLA (PROTOCOL_HYBRID)");
    CHECK(checks[2].ms == 12);
}

TEST_CASE("a target that the home does not allow is answered with the command to type there") {
    auto seen = seen_at_home();
    seen.verdict = Verdict::Refused;
    seen.reset = ResetReason::NotAllowed;
    const auto checks = findings(seen);
    CHECK(states(checks) == "allow broken, target skipped, protocol skipped");
    CHECK(advice(checks) == "at work-pc: relayctl allow 127.0.0.1:3389");
}

TEST_CASE("each way in which a target does not serve is told apart") {
    const auto with = [](Verdict verdict, std::optional<ResetReason> reset, bool is_connected) {
        auto seen = seen_at_home();
        seen.verdict = verdict;
        seen.reset = reset;
        seen.detail = "answered 00";
        if (is_connected) seen.connect = 1ms;
        return findings(seen);
    };
    for (const auto reason : {ResetReason::TargetRefused, ResetReason::TargetUnreachable,
                              ResetReason::TargetUnknown, ResetReason::LimitReached}) {
        const auto checks = with(Verdict::Refused, reason, false);
        CHECK(states(checks) == "allow ok, target broken, protocol skipped");
        CHECK(advice(checks).starts_with("at work-pc: "));
    }
    for (const auto verdict : {Verdict::Closed, Verdict::Silent}) {
        CHECK(states(with(verdict, {}, true)) == "allow ok, target broken, protocol skipped");
    }
    const auto hung = with(Verdict::Silent, {}, false);
    CHECK(states(hung) == "allow ok, target broken, protocol skipped");
    CHECK(advice(hung) == "have the home dial anew: relayctl session close work-pc");
    const auto wrong = with(Verdict::WrongProtocol, {}, true);
    CHECK(states(wrong) == "allow ok, target ok, protocol broken");
    CHECK(wrong[2].text == "this is no rdp server: it answered 00");
}

TEST_CASE("a list remembers the first hop that is broken, and skips because of it") {
    Checklist checks{"a"};
    checks.ok("dns", "fine");
    CHECK(!checks.is_broken());
    checks.broken("tcp", "refused", "start it");
    checks.skipped({"tls", "key"});
    CHECK(checks.broken_hop() == "tcp");
    const auto list = checks.take();
    CHECK(list.back().text == "not tried, because of tcp");
    CHECK(has_broken(list));
    Checklist others{"b"};
    others.append(list);
    CHECK(others.broken_hop() == "tcp");
}
