// What an operator can ask of a home.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/io/system_clock.h"
#include "daemon/roles/home_role.h"
#include "daemon/roles/process_status.h"
#include "daemon/roles/session_text.h"

namespace relay {

namespace {

Error ask_the_relay() {
    return Error{
        ErrorCode::Unsupported,
        "this is a home; forwards, homes and probes belong to its relay: ask relayctl there"};
}

}  // namespace

StatusSnapshot HomeRole::status() {
    StatusSnapshot status = status_of_process(context_, started_);
    status.role = "home";
    status.home = settings_.name;
    for (const Endpoint& relay : endpoints_of(settings_)) status.relays.push_back(to_text(relay));
    bool asks_for_forwards = false;
    for (const auto& [name, relay] : relays_) {
        for (std::string& problem : relay->problems())
            status.problems.push_back(std::move(problem));
        asks_for_forwards |= !relay->settings().forwards.empty();
        if (relay->driver() == nullptr) continue;
        for (std::string& road : roads_of(*relay->driver()))
            status.roads.push_back(std::move(road));
        ++(relay->attached() ? status.sessions : status.sessions_detached);
        status.streams += relay->driver()->session().streams().size();
    }
    if (settings_.allow.empty() && more_allow_.empty() && !asks_for_forwards) {
        status.problems.push_back(
            "nothing is allowed, so no forward can reach anything here: relayctl allow HOST:PORT");
    }
    return status;
}

std::vector<SessionSnapshot> HomeRole::sessions() {
    std::vector<SessionSnapshot> list;
    for (const auto& [name, relay] : relays_) relay->list_sessions(list);
    return list;
}

std::vector<StreamSnapshot> HomeRole::streams() {
    std::vector<StreamSnapshot> list;
    for (const auto& [name, relay] : relays_) relay->list_streams(list);
    return list;
}

Result<std::vector<ForwardSnapshot>> HomeRole::forwards() {
    std::vector<ForwardSnapshot> list;
    for (const auto& [name, relay] : relays_) relay->list_forwards(list);
    return list;
}

Result<std::vector<HomeSnapshot>> HomeRole::homes() {
    return ask_the_relay();
}
void HomeRole::add_forward(const AddForward&, Completion<std::vector<ForwardSnapshot>> done) {
    done(ask_the_relay());
}
Result<std::vector<ForwardSnapshot>> HomeRole::remove_forward(const ForwardSelector&) {
    return ask_the_relay();
}
Result<HomeSnapshot> HomeRole::add_home(const AddHome&) {
    return ask_the_relay();
}
Status HomeRole::remove_home(std::string_view) {
    return ask_the_relay();
}
Result<std::vector<VisitorSnapshot>> HomeRole::visitors() {
    return ask_the_relay();
}
Result<VisitorSnapshot> HomeRole::add_visitor(const AddVisitor&) {
    return ask_the_relay();
}
Status HomeRole::remove_visitor(std::string_view) {
    return ask_the_relay();
}
Result<InvitationSnapshot> HomeRole::add_invitation(const AddInvitation&) {
    return ask_the_relay();
}
Result<std::vector<InvitationSnapshot>> HomeRole::invitations() {
    return ask_the_relay();
}
Status HomeRole::remove_invitation(std::string_view) {
    return ask_the_relay();
}
void HomeRole::probe(const ProbeSelector&, Completion<std::vector<ProbeSnapshot>> done) {
    done(ask_the_relay());
}

// By its id, by the relay's name, or by our own if there is only one.
Result<HomeRelay*> HomeRole::relay_with(const SessionSelector& which) const {
    std::vector<HomeRelay*> found;
    for (const auto& [name, relay] : relays_) {
        const bool is_meant = which.session == settings_.name ||
                              (!name.empty() && which.session == name) ||
                              which.session == relay->session_text();
        if (relay->driver() != nullptr && is_meant) found.push_back(relay.get());
    }
    if (found.size() > 1) {
        return Error{ErrorCode::Refused,
                     "there is one with each of several relays: say which one, "
                     "by the relay's name or the session's id"};
    }
    if (found.empty()) {
        return Error{ErrorCode::NotFound,
                     fmt::format("no session \"{}\": relayctl sessions lists them", which.session)};
    }
    return found.front();
}

Status HomeRole::close_session(const SessionSelector& which) {
    const auto relay = relay_with(which);
    if (!relay) return relay.error();
    (*relay)->driver()->end(EndReason::ClosedByOperator);
    return Done{};
}

Status HomeRole::close_stream(const StreamSelector& which) {
    const StreamId stream{which.id};
    std::vector<SessionDriver*> having;
    for (const auto& [name, relay] : relays_) {
        if (!which.relay.empty() && name != which.relay) continue;
        SessionDriver* driver = relay->driver();
        if (driver != nullptr && driver->session().has(stream)) having.push_back(driver);
    }
    if (having.empty()) {
        return Error{ErrorCode::NotFound,
                     fmt::format("no stream {}: relayctl streams lists them", which.id)};
    }
    if (having.size() > 1) {
        return Error{ErrorCode::Refused,
                     fmt::format("the sessions with {} relays have a stream {}: say which one with "
                                 "--relay NAME",
                                 having.size(), which.id)};
    }
    having.front()->reset(stream, ResetReason::ClosedByOperator);
    return Done{};
}

Result<std::vector<AllowSnapshot>> HomeRole::allow() {
    std::vector<AllowSnapshot> list;
    for (const AllowRule& rule : settings_.allow) list.push_back({to_text(rule), "config"});
    for (const AllowRule& rule : more_allow_) list.push_back({to_text(rule), "runtime"});
    return list;
}

Result<AllowSnapshot> HomeRole::add_allow(std::string_view target) {
    const auto rule = parse_allow_rule(target);
    if (!rule) return rule.error();
    const auto is_in = [&](const std::vector<AllowRule>& rules) {
        return std::find(rules.begin(), rules.end(), *rule) != rules.end();
    };
    if (is_in(settings_.allow)) return AllowSnapshot{to_text(*rule), "config"};
    if (!is_in(more_allow_)) {
        if (more_allow_.size() >= max_allow_rules) {
            return Error{ErrorCode::TooLarge, "the allow list is full"};
        }
        std::vector<std::string> lines;
        for (const AllowRule& known : more_allow_) lines.push_back(to_text(known));
        lines.push_back(to_text(*rule));
        const Status saved = allow_file_.save("added by relayctl allow; one target a line", lines);
        if (!saved) return saved.error();
        more_allow_.push_back(*rule);
        context_.log.info({.home = settings_.name}, "{} is allowed from now on", lines.back());
    }
    return AllowSnapshot{to_text(*rule), "runtime"};
}

}  // namespace relay
