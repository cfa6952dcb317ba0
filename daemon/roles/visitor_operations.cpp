// What an operator can ask of a visitor.
#include <fmt/format.h>

#include "daemon/roles/process_status.h"
#include "daemon/roles/session_text.h"
#include "daemon/roles/visitor_role.h"

namespace relay {

namespace {

Error ask_the_relay() {
    return Error{
        ErrorCode::Unsupported,
        "this is a visitor; homes, visitors and forwards belong to its relay: ask relayctl "
        "there"};
}

}  // namespace

StatusSnapshot VisitorRole::status() {
    StatusSnapshot status = status_of_process(context_, started_);
    status.role = "visitor";
    for (const Endpoint& relay : settings_.relays) status.relays.push_back(to_text(relay));
    if (driver_) {
        status.roads = roads_of(*driver_);
        (driver_->attached() ? status.sessions : status.sessions_detached) = 1;
        status.streams = driver_->session().streams().size();
    }
    status.forwards = forwards_.size();
    status.problems = uplinks_.problems();
    for (const auto& [id, forward] : forwards_) {
        if (forward->is_listening()) continue;
        status.problems.push_back(
            fmt::format("{} cannot listen: {}", forward->listen_text(), forward->error()));
    }
    return status;
}

std::vector<SessionSnapshot> VisitorRole::sessions() {
    if (!driver_) return {};
    SessionSnapshot snapshot = snapshot_of(*driver_);
    snapshot.kind = name_of(PeerKind::Visitor);
    snapshot.visitor = settings_.name;
    return {snapshot};
}

std::vector<StreamSnapshot> VisitorRole::streams() {
    std::vector<StreamSnapshot> list;
    if (!driver_) return list;
    for (const auto& [stream, opened] : streams_) {
        const auto info = driver_->session().info(stream);
        if (!info) continue;
        StreamSnapshot snapshot = snapshot_of(*info);
        snapshot.home = opened.to.host;
        snapshot.session = session_text();
        snapshot.target = to_text(opened.to);
        snapshot.visitor = opened.from;
        snapshot.since = moment_at(opened.since);
        const auto forward = forwards_.find(opened.forward);
        if (forward != forwards_.end()) snapshot.listen = forward->second->listen_text();
        list.push_back(std::move(snapshot));
    }
    return list;
}

Result<std::vector<ForwardSnapshot>> VisitorRole::forwards() {
    std::vector<ForwardSnapshot> list;
    for (const auto& [id, forward] : forwards_) {
        ForwardSnapshot snapshot;
        const HostPort& to = forward->settings().target;
        snapshot.home = to.host;
        snapshot.listen = forward->listen_text();
        snapshot.target = to.port == 0 ? to.host : to_text(to);
        snapshot.probe_kind = "none";
        FtpForward ftp = forward->settings().ftp;
        ftp.is_on = speaks_ftp(forward->settings());
        show_ftp(ftp, snapshot);
        snapshot.grace_s = std::chrono::duration<double>(forward->settings().grace).count();
        snapshot.origin = "config";
        snapshot.listening = forward->is_listening();
        snapshot.error = forward->error();
        snapshot.streams = forward->counters().streams;
        snapshot.streams_total = forward->counters().streams_total;
        snapshot.refused = forward->counters().refused;
        list.push_back(std::move(snapshot));
    }
    return list;
}

Result<std::vector<HomeSnapshot>> VisitorRole::homes() {
    return ask_the_relay();
}
Result<std::vector<AllowSnapshot>> VisitorRole::allow() {
    return ask_the_relay();
}
void VisitorRole::add_forward(const AddForward&, Completion<std::vector<ForwardSnapshot>> done) {
    done(remove_forward({}));
}
Result<std::vector<ForwardSnapshot>> VisitorRole::remove_forward(const ForwardSelector&) {
    return Error{ErrorCode::Unsupported,
                 "what a visitor listens on stands in its configuration, or on its command line"};
}
Result<HomeSnapshot> VisitorRole::add_home(const AddHome&) {
    return ask_the_relay();
}
Status VisitorRole::remove_home(std::string_view) {
    return ask_the_relay();
}
Result<std::vector<VisitorSnapshot>> VisitorRole::visitors() {
    return ask_the_relay();
}
Result<VisitorSnapshot> VisitorRole::add_visitor(const AddVisitor&) {
    return ask_the_relay();
}
Status VisitorRole::remove_visitor(std::string_view) {
    return ask_the_relay();
}
Result<InvitationSnapshot> VisitorRole::add_invitation(const AddInvitation&) {
    return ask_the_relay();
}
Result<std::vector<InvitationSnapshot>> VisitorRole::invitations() {
    return ask_the_relay();
}
Status VisitorRole::remove_invitation(std::string_view) {
    return ask_the_relay();
}
Result<AllowSnapshot> VisitorRole::add_allow(std::string_view) {
    return ask_the_relay();
}
void VisitorRole::probe(const ProbeSelector&, Completion<std::vector<ProbeSnapshot>> done) {
    done(ask_the_relay());
}
void VisitorRole::doctor(const DoctorSelector&, Completion<std::vector<CheckSnapshot>> done) {
    done(ask_the_relay());
}

Status VisitorRole::close_session(const SessionSelector& which) {
    if (!driver_ || (which.session != settings_.name && which.session != session_text())) {
        return Error{ErrorCode::NotFound,
                     fmt::format("no session \"{}\": relayctl sessions lists them", which.session)};
    }
    driver_->end(EndReason::ClosedByOperator);
    return Done{};
}

Status VisitorRole::close_stream(const StreamSelector& which) {
    const StreamId stream{which.id};
    if (!driver_ || !driver_->session().has(stream)) {
        return Error{ErrorCode::NotFound,
                     fmt::format("no stream {}: relayctl streams lists them", which.id)};
    }
    driver_->reset(stream, ResetReason::ClosedByOperator);
    return Done{};
}

ReloadSnapshot VisitorRole::apply(const Settings& settings) {
    ReloadSnapshot result;
    const VisitSettings& next = *settings.visit;
    apply_forwards(next, result);
    if (next.relays != settings_.relays || next.relay_key != settings_.relay_key ||
        next.proxy != settings_.proxy || next.proxy_authorities != settings_.proxy_authorities ||
        next.appearance != settings_.appearance || next.roads != settings_.roads ||
        next.tls_verify != settings_.tls_verify ||
        next.tls_verify_file != settings_.tls_verify_file || next.bind != settings_.bind) {
        result.changes.push_back("how the relay is reached, from the next connection on");
    }
    if (next.ping_interval != settings_.ping_interval ||
        next.ping_deadline != settings_.ping_deadline ||
        next.keep_streams != settings_.keep_streams) {
        result.changes.push_back("ping and keep-streams, from the next session on");
    }
    if (next.end_to_end != settings_.end_to_end || next.home_keys != settings_.home_keys) {
        result.changes.push_back("end-to-end and home-keys, from the next stream on");
    }
    if (next.dynamic != settings_.dynamic) result.needs_restart.push_back("dynamic");
    if (next.carriers != settings_.carriers) result.needs_restart.push_back("carriers");
    if (next.name != settings_.name) result.needs_restart.push_back("name");
    if (next.key != settings_.key) result.needs_restart.push_back("key");
    if (next.reconnect_first != settings_.reconnect_first ||
        next.reconnect_most != settings_.reconnect_most) {
        result.needs_restart.push_back("reconnect");
    }
    VisitSettings kept = next;
    kept.name = settings_.name;
    kept.carriers = settings_.carriers;
    kept.dynamic = settings_.dynamic;
    settings_ = kept;
    uplinks_.set(kept);
    // Whoever asks for a reload does not want to wait for a pause to end.
    uplinks_.hurry();
    return result;
}

}  // namespace relay
