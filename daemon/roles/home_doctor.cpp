// What a home finds out about its way to the relay and about its targets.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "daemon/checks/path_findings.h"
#include "daemon/io/system_clock.h"
#include "daemon/roles/home_role.h"
#include "daemon/roles/session_text.h"

namespace relay {

namespace {

constexpr std::size_t checkups_most = 4;  // At a time.

bool is_by_requests(const SessionDriver& driver) {
    const auto carriers = driver.carriers();
    return std::any_of(carriers.begin(), carriers.end(),
                       [](const auto& carrier) { return carrier.info.kind == CarrierKind::Poll; });
}

// The way was walked as the endpoint is written. Whoever got there by GET and POST has found that
// closed, and another road open.
void judge_by_road(std::vector<CheckSnapshot>& way, const HomeRelay& relay) {
    if (!relay.attached() || !is_by_requests(*relay.driver())) return;
    for (CheckSnapshot& each : way) {
        const bool is_of_road = each.hop == "tcp" || each.hop == "proxy" || each.hop == "tls";
        if (each.subject != relay.endpoint() || each.state != "broken" || !is_of_road) continue;
        each.state = "warning";
        each.advice =
            "a WebSocket does not get there, GET and POST do, and are slower: " + each.advice;
    }
}

}  // namespace

void HomeRole::doctor(const DoctorSelector& which, Completion<std::vector<CheckSnapshot>> done) {
    const auto only = parse_target_choice(which.port);
    if (!only) return done(only.error());
    if (checkups_.size() >= checkups_most) {
        return done(Error{ErrorCode::Refused, "several checks are under way: wait for them"});
    }
    HomeCheckup::Options options;
    options.settings = settings_;
    options.state_dir = context_.state_dir;
    options.allow = settings_.allow;
    options.allow.insert(options.allow.end(), more_allow_.begin(), more_allow_.end());
    options.only = *only;
    const auto number = ++last_checkup_;
    checkups_[number] = std::make_unique<HomeCheckup>(
        context_.loop, context_.random, &context_.identity, std::move(options),
        [this, number, done = std::move(done)](HomeCheckup::Findings findings) {
            done(with_sessions(std::move(findings)));
            done_checkups_.push_back(std::move(checkups_[number]));
            checkups_.erase(number);
            sweep_.schedule();
        });
}

// Sessions and what the kernel saw of them stand between the ways and the targets.
std::vector<CheckSnapshot> HomeRole::with_sessions(HomeCheckup::Findings findings) const {
    Checklist all{settings_.name};
    for (const auto& [name, relay] : relays_) judge_by_road(findings.way, *relay);
    all.append(std::move(findings.way));
    const bool is_way_broken = all.is_broken();
    for (const auto& [name, relay] : relays_) {
        if (relay->attached() || !is_way_broken) {
            add_session_finding(all, *relay);
        } else {
            all.skipped({"session"});
        }
    }
    all.append(std::move(findings.targets));
    for (const auto& [name, relay] : relays_) {
        if (relay->attached()) add_path_findings(all, *relay->driver());
    }
    return all.take();
}

void HomeRole::add_session_finding(Checklist& all, const HomeRelay& relay) const {
    if (relay.attached()) {
        const Duration age = now() - relay.driver()->since();
        all.ok("session",
               fmt::format("with {} since {}{}: {}", relay.endpoint(),
                           age_words(std::chrono::duration<double>(age).count()),
                           relay.carriers_text(), fmt::join(roads_of(*relay.driver()), "; ")));
        return;
    }
    const auto problems = relay.problems_of_way();
    all.broken(
        "session",
        problems.empty() ? "there is none yet, though the relay would take us" : problems.front(),
        "have it dial at once: relayctl reload; its log: journalctl -u relayd -n 20");
}

}  // namespace relay
