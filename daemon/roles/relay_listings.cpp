// What a relay shows of itself to an operator.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/roles/process_status.h"
#include "daemon/roles/relay_role.h"
#include "daemon/roles/session_text.h"

namespace relay {

namespace {

constexpr std::size_t problems_most = 100;  // Of one kind.

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

ProbeSnapshot RelayRole::snapshot_of(const RelayHome& home, const Forward& forward,
                                     const ProbeResult& result) {
    ProbeSnapshot snapshot;
    snapshot.home = home.name();
    snapshot.forward = forward.listen_text();
    snapshot.target = forward.target_text();
    ProbeKind kind = forward.settings().probe;
    if (kind == ProbeKind::Auto) kind = kind_for_port(forward.settings().target.port);
    snapshot.kind = probe_kind_name(kind);
    snapshot.verdict = verdict_name(result.verdict);
    snapshot.ok = result.verdict == relay::Verdict::Ok;
    snapshot.detail = result.detail;
    if (result.connect) snapshot.connect_ms = milliseconds(*result.connect);
    if (result.answer) snapshot.answer_ms = milliseconds(*result.answer);
    snapshot.at = moment_at(result.at);
    return snapshot;
}

StatusSnapshot RelayRole::status() {
    StatusSnapshot status = status_of_process(context_, started_);
    status.role = "relay";
    for (const Endpoint& endpoint : settings_.listen) status.listen.push_back(to_text(endpoint));
    if (settings_.public_endpoint) status.public_url = to_text(*settings_.public_endpoint);
    status.homes_known = homes_.size();
    for (const auto& [name, visitor] : visitors_.all()) {
        for (const SessionDriver* driver : visitor->sessions()) {
            ++(driver->attached() ? status.sessions : status.sessions_detached);
        }
    }
    std::size_t failing = 0;
    for (const auto& [name, home] : homes_) {
        if (home->driver() != nullptr) {
            ++(home->online() ? status.sessions : status.sessions_detached);
        }
        status.streams += home->streams().size();
        status.forwards += home->forwards().size();
        for (const auto& [id, own] : home->forwards()) {
            if (own.forward->is_listening() || ++failing > problems_most) continue;
            status.problems.push_back(fmt::format("forward {} of {} cannot listen: {}",
                                                  own.forward->listen_text(), name,
                                                  own.forward->error()));
        }
    }
    if (watches_) status.sessions += watches_->count();
    if (failing > problems_most) {
        status.problems.push_back(
            fmt::format("{} more forwards cannot listen: relayctl forward list shows them",
                        failing - problems_most));
    }
    return status;
}

std::vector<SessionSnapshot> RelayRole::sessions() {
    std::vector<SessionSnapshot> list;
    for (const auto& [name, home] : homes_) {
        if (home->driver() == nullptr) continue;
        SessionSnapshot session = relay::snapshot_of(*home->driver());
        session.home = name;
        for (const auto& [id, own] : home->forwards()) {
            session.forwards.push_back(
                {own.forward->listen_text(), own.forward->target_text(), last_probe(*home, id)});
        }
        list.push_back(std::move(session));
    }
    if (watches_) {
        for (SessionSnapshot& session : watches_->sessions()) list.push_back(std::move(session));
    }
    visitors_.list_sessions(list);
    return list;
}

std::vector<StreamSnapshot> RelayRole::streams() {
    std::vector<StreamSnapshot> list;
    for (const auto& [name, home] : homes_) {
        if (home->driver() == nullptr) continue;
        for (const auto& [id, open] : home->streams()) {
            const auto info = home->driver()->session().info(id);
            if (!info) continue;
            StreamSnapshot stream = relay::snapshot_of(*info);
            stream.home = name;
            stream.session = home->session_text();
            stream.visitor = visitor_names_.shown(open.visitor);
            stream.since = moment_at(open.since);
            const auto forward = home->forwards().find(open.forward);
            if (forward != home->forwards().end()) {
                stream.listen = forward->second.forward->listen_text();
                stream.target = forward->second.forward->target_text();
            }
            list.push_back(std::move(stream));
        }
        list_reached(*home, list);
    }
    return list;
}

// What leads to a forward is a stream of that forward's home, and listed there.
void RelayRole::list_reached(const RelayHome& home, std::vector<StreamSnapshot>& into) const {
    for (const auto& [id, opened] : home.reached().all()) {
        const auto info = home.driver()->session().info(id);
        if (!info || is_forward_at(opened.target)) continue;
        StreamSnapshot stream = relay::snapshot_of(*info);
        // The visitor is the home's: seen from here, the two ends are the other way round.
        if (stream.state == "visitor-done") {
            stream.state = "target-done";
        } else if (stream.state == "target-done") {
            stream.state = "visitor-done";
        }
        stream.home = home.name();
        stream.session = home.session_text();
        stream.target = to_text(opened.target);
        stream.visitor = opened.who;
        stream.since = moment_at(opened.since);
        into.push_back(std::move(stream));
    }
}

bool RelayRole::is_forward_at(const HostPort& listen) const {
    const auto is_it = [&](const HostPort& at) {
        return at.port == listen.port &&
               (at.host == listen.host || at.host == "0.0.0.0" || at.host == "::");
    };
    return std::any_of(homes_.begin(), homes_.end(), [&](const auto& entry) {
        const auto& forwards = entry.second->forwards();
        return std::any_of(forwards.begin(), forwards.end(), [&](const auto& own) {
            return is_it(own.second.forward->settings().listen);
        });
    });
}

std::optional<ProbeSnapshot> RelayRole::last_probe(const RelayHome& home, ForwardId id) const {
    const ProbeResult* last = home.prober().last(id);
    if (last == nullptr) return std::nullopt;
    return snapshot_of(home, *home.forwards().at(id).forward, *last);
}

ForwardSnapshot RelayRole::snapshot_of(const RelayHome& home, ForwardId id) const {
    const auto& own = home.forwards().at(id);
    const Forward& forward = *own.forward;
    ForwardSnapshot snapshot;
    snapshot.home = home.name();
    snapshot.listen = forward.listen_text();
    snapshot.target = forward.target_text();
    snapshot.probe_kind = probe_kind_name(forward.settings().probe);
    snapshot.grace_s = std::chrono::duration<double>(forward.settings().grace).count();
    snapshot.origin = name_of(own.origin);
    if (own.expires_unix_s) snapshot.expires = moment_at_unix(*own.expires_unix_s);
    snapshot.listening = forward.is_listening();
    snapshot.error = forward.error();
    snapshot.gate = forward.gate();
    snapshot.proxy_protocol = forward.settings().proxy_protocol;
    show_ftp(forward.settings().ftp, snapshot);
    snapshot.probe = last_probe(home, id);
    snapshot.streams = forward.counters().streams;
    snapshot.streams_total = forward.counters().streams_total;
    snapshot.refused = forward.counters().refused;
    return snapshot;
}

Result<std::vector<ForwardSnapshot>> RelayRole::forwards() {
    std::vector<ForwardSnapshot> list;
    for (const auto& [name, home] : homes_) {
        for (const auto& [id, own] : home->forwards()) list.push_back(snapshot_of(*home, id));
        for (const RelayHome::Denied& denied : home->denied()) {
            ForwardSnapshot snapshot;
            snapshot.home = name;
            snapshot.listen = denied.listen;
            snapshot.target = denied.target;
            snapshot.probe_kind = probe_kind_name(ProbeKind::None);
            snapshot.origin = name_of(Origin::Home);
            snapshot.denied = denied.why;
            list.push_back(std::move(snapshot));
        }
    }
    return list;
}

HomeSnapshot RelayRole::snapshot_of(const RelayHome& home) const {
    HomeSnapshot snapshot;
    snapshot.name = home.name();
    snapshot.fingerprints = home.keys().fingerprints();
    snapshot.from = home.keys().from();
    snapshot.origin = name_of(home.is_configured() ? Origin::Config : Origin::Runtime);
    snapshot.online = home.online();
    if (home.since()) snapshot.since = moment_at(*home.since());
    snapshot.forwards = home.forwards().size();
    snapshot.policy = relay::snapshot_of(home.policy());
    for (const auto* part : {&home.permissions().config, &home.permissions().runtime}) {
        for (const ListenRule& rule : part->listen) snapshot.may_listen.push_back(to_text(rule));
        for (const ReachRule& rule : part->reach) snapshot.may_reach.push_back(to_text(rule));
    }
    return snapshot;
}

Result<std::vector<HomeSnapshot>> RelayRole::homes() {
    std::vector<HomeSnapshot> list;
    for (const auto& [name, home] : homes_) list.push_back(snapshot_of(*home));
    return list;
}

}  // namespace relay
