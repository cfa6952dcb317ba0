// What an operator can ask of a relay's sessions, streams and targets.
#include <fmt/format.h>

#include "daemon/io/system_clock.h"
#include "daemon/roles/relay_role.h"

namespace relay {

namespace {

Error not_here() {
    return Error{ErrorCode::Unsupported,
                 "this is a relay; what may be dialled is up to the home: ask relayctl there"};
}

std::string text_of(VisitorGuard::Fault fault) {
    switch (fault) {
        case VisitorGuard::Fault::None: return {};
        case VisitorGuard::Fault::TooMany: return "too many connections";
        case VisitorGuard::Fault::TooBrief: return "too many brief connections";
    }
    return {};
}

}  // namespace

Result<std::vector<AllowSnapshot>> RelayRole::allow() {
    return not_here();
}
Result<AllowSnapshot> RelayRole::add_allow(std::string_view) {
    return not_here();
}

Status RelayRole::close_session(const SessionSelector& which) {
    for (const auto& [name, home] : homes_) {
        if (name != which.session && home->session_text() != which.session) continue;
        if (home->driver() == nullptr) break;
        home->end_session(EndReason::ClosedByOperator);
        return Done{};
    }
    if (watches_ && watches_->close(which.session) > 0) return Done{};
    if (visitors_.close_session(which.session)) return Done{};
    return Error{ErrorCode::NotFound,
                 fmt::format("no session \"{}\": relayctl sessions lists them", which.session)};
}

Status RelayRole::close_stream(const StreamSelector& which) {
    std::vector<RelayHome*> having;
    for (const auto& [name, home] : homes_) {
        if (!which.home.empty() && name != which.home) continue;
        const StreamId id{which.id};
        if (home->streams().contains(id) || home->reached().all().contains(id)) {
            having.push_back(home.get());
        }
    }
    if (having.empty()) {
        return Error{ErrorCode::NotFound,
                     fmt::format("no stream {}: relayctl streams lists them", which.id)};
    }
    if (having.size() > 1) {
        return Error{ErrorCode::Refused,
                     fmt::format("{} homes have a stream {}: say which one with --home NAME",
                                 having.size(), which.id)};
    }
    having.front()->driver()->reset(StreamId{which.id}, ResetReason::ClosedByOperator);
    return Done{};
}

Result<std::vector<GuardedSnapshot>> RelayRole::guard() {
    std::vector<GuardedSnapshot> listed;
    for (const VisitorGuard::Source& source : guard_.sources(now())) {
        GuardedSnapshot& shown = listed.emplace_back();
        shown.source = to_text(source.network);
        shown.refused = source.refused_until && now() < *source.refused_until;
        shown.why = text_of(source.fault);
        if (shown.refused) shown.until = moment_at(*source.refused_until);
        shown.last = moment_at(source.last_came);
        shown.connections = source.came;
        shown.brief_connections = source.brief;
        shown.refused_connections = source.refused;
    }
    return listed;
}

Status RelayRole::release_source(std::string_view address) {
    // As it is listed, too.
    const auto parsed = parse_ip_address(address.substr(0, address.find('/')));
    if (!parsed) return parsed.error();
    if (guard_.release(*parsed)) return Done{};
    return Error{ErrorCode::NotFound,
                 fmt::format("nobody came from {} of late: relayctl guard lists who did", address)};
}

void RelayRole::probe(const ProbeSelector& which, Completion<std::vector<ProbeSnapshot>> done) {
    const auto selected = select(which.home, which.forward);
    if (!selected) {
        done(selected.error());
        return;
    }
    struct Gathering {
        std::vector<ProbeSnapshot> snapshots;
        std::size_t missing = 0;
        Completion<std::vector<ProbeSnapshot>> done;
    };
    // Shared by the callbacks of all probes; the last one answers.
    const auto gathering = std::make_shared<Gathering>();
    gathering->missing = selected->size();
    gathering->done = std::move(done);
    if (selected->empty()) gathering->done(gathering->snapshots);
    for (const Selected& entry : *selected) {
        RelayHome& home = *entry.home;
        home.prober().probe_now(
            entry.forward, [gathering, &home, id = entry.forward](const ProbeResult& result) {
                const auto own = home.forwards().find(id);
                if (own != home.forwards().end()) {
                    gathering->snapshots.push_back(snapshot_of(home, *own->second.forward, result));
                }
                if (--gathering->missing == 0) gathering->done(std::move(gathering->snapshots));
            });
    }
}

}  // namespace relay
