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
    for (const Endpoint& relay : settings_.relays) status.relays.push_back(to_text(relay));
    if (driver_) {
        (driver_->attached() ? status.sessions : status.sessions_detached) = 1;
        status.streams = driver_->session().streams().size();
    }
    status.problems = uplinks_.problems();
    if (settings_.allow.empty() && more_allow_.empty()) {
        status.problems.push_back(
            "nothing is allowed, so no forward can reach anything here: relayctl allow HOST:PORT");
    }
    return status;
}

std::string HomeRole::status_line() const {
    if (!driver_ || !driver_->attached()) return "not connected to a relay";
    return fmt::format("connected to {}, {} streams", relay_, driver_->session().streams().size());
}

std::vector<SessionSnapshot> HomeRole::sessions() {
    if (!driver_) return {};
    SessionSnapshot snapshot = snapshot_of(*driver_);
    snapshot.home = settings_.name;
    return {snapshot};
}

std::vector<StreamSnapshot> HomeRole::streams() {
    std::vector<StreamSnapshot> list;
    if (!driver_) return list;
    for (const auto& [stream, opened] : opened_) {
        const auto info = driver_->session().info(stream);
        if (!info) continue;
        StreamSnapshot snapshot = snapshot_of(*info);
        // Seen from here, the directions are the other way round.
        std::swap(snapshot.bytes_in, snapshot.bytes_out);
        if (snapshot.state == "visitor-done") {
            snapshot.state = "target-done";
        } else if (snapshot.state == "target-done") {
            snapshot.state = "visitor-done";
        }
        snapshot.home = settings_.name;
        snapshot.session = session_text();
        snapshot.target = to_text(HostPort{opened.to.host, opened.to.port});
        snapshot.visitor = opened.to.visitor;
        snapshot.since = moment_at(opened.since);
        list.push_back(std::move(snapshot));
    }
    return list;
}

Result<std::vector<ForwardSnapshot>> HomeRole::forwards() {
    return ask_the_relay();
}
Result<std::vector<HomeSnapshot>> HomeRole::homes() {
    return ask_the_relay();
}
Result<std::vector<ForwardSnapshot>> HomeRole::add_forward(const AddForward&) {
    return ask_the_relay();
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

Status HomeRole::close_session(const SessionSelector& which) {
    if (!driver_ || (which.session != settings_.name && which.session != session_text())) {
        return Error{ErrorCode::NotFound,
                     fmt::format("no session \"{}\": relayctl sessions lists them", which.session)};
    }
    driver_->end(EndReason::ClosedByOperator);
    return Done{};
}

Status HomeRole::close_stream(const StreamSelector& which) {
    const StreamId stream{which.id};
    if (!driver_ || !driver_->session().has(stream)) {
        return Error{ErrorCode::NotFound,
                     fmt::format("no stream {}: relayctl streams lists them", which.id)};
    }
    driver_->reset(stream, ResetReason::ClosedByOperator);
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
        context_.log.info(fields(), "{} is allowed from now on", lines.back());
    }
    return AllowSnapshot{to_text(*rule), "runtime"};
}

ReloadSnapshot HomeRole::apply(const Settings& settings) {
    ReloadSnapshot result;
    const HomeSettings& next = *settings.home;
    if (next.allow != settings_.allow) result.changes.push_back("allow");
    if (next.relays != settings_.relays) {
        result.changes.push_back("relay, from the next connection on");
    }
    if (next.relay_key != settings_.relay_key || next.proxy != settings_.proxy ||
        next.tls_verify != settings_.tls_verify ||
        next.tls_verify_file != settings_.tls_verify_file) {
        result.changes.push_back("how the relay is reached, from the next connection on");
    }
    if (next.connect_timeout != settings_.connect_timeout) {
        result.changes.push_back("connect-timeout");
    }
    if (next.bind != settings_.bind) {
        result.changes.push_back("bind, from the next connection on");
    }
    if (next.carriers != settings_.carriers) result.needs_restart.push_back("carriers");
    if (next.name != settings_.name) result.needs_restart.push_back("name");
    if (next.key != settings_.key) result.needs_restart.push_back("key");
    if (next.reconnect_first != settings_.reconnect_first ||
        next.reconnect_most != settings_.reconnect_most) {
        result.needs_restart.push_back("reconnect");
    }
    if (next.ping_interval != settings_.ping_interval ||
        next.ping_deadline != settings_.ping_deadline ||
        next.keep_streams != settings_.keep_streams) {
        result.changes.push_back("ping and keep-streams, from the next session on");
    }
    HomeSettings kept = next;
    kept.name = settings_.name;
    kept.carriers = settings_.carriers;
    settings_ = kept;
    uplinks_.set(kept);
    // Whoever asks for a reload does not want to wait for a pause to end.
    uplinks_.hurry();
    return result;
}

}  // namespace relay
