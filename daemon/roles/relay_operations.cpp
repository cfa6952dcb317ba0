// What an operator can ask of a relay.
#include <fmt/format.h>

#include <algorithm>

#include "common/settings/forward.h"
#include "daemon/io/system_clock.h"
#include "daemon/roles/process_status.h"
#include "daemon/roles/relay_role.h"
#include "daemon/roles/session_text.h"

namespace relay {

namespace {

constexpr std::size_t problems_most = 100;  // Of one kind.
constexpr double grace_most_s = 24 * 3600;
constexpr double expiry_most_s = 365.0 * 24 * 3600;

Error not_here() {
    return Error{ErrorCode::Unsupported,
                 "this is a relay; what may be dialled is up to the home: ask relayctl there"};
}

Error no_home(std::string_view name) {
    return Error{ErrorCode::NotFound,
                 fmt::format("no home is called \"{}\": relayctl home list shows them", name)};
}

std::int64_t unix_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(wall_time().time_since_epoch()).count();
}

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

// A moment on the wall's clock.
Moment moment_at_unix(std::int64_t unix_s) {
    return moment_at(now() + std::chrono::seconds(unix_s - unix_now()));
}

ProbeSnapshot probe_snapshot_of(const RelayHome& home, const Forward& forward,
                                const ProbeResult& result) {
    ProbeSnapshot snapshot;
    snapshot.home = home.name();
    snapshot.forward = forward.listen_text();
    snapshot.target = forward.target_text();
    ProbeKind kind = forward.settings().probe;
    if (kind == ProbeKind::Auto) kind = kind_for_port(forward.settings().target.port);
    snapshot.kind = probe_kind_name(kind);
    snapshot.verdict = verdict_name(result.verdict);
    snapshot.ok = result.verdict == Verdict::Ok;
    snapshot.detail = result.detail;
    if (result.connect) snapshot.connect_ms = milliseconds(*result.connect);
    if (result.answer) snapshot.answer_ms = milliseconds(*result.answer);
    snapshot.at = moment_at(result.at);
    return snapshot;
}

}  // namespace

StatusSnapshot RelayRole::status() {
    StatusSnapshot status = status_of_process(context_, started_);
    status.role = "relay";
    for (const Endpoint& endpoint : settings_.listen) status.listen.push_back(to_text(endpoint));
    status.homes_known = homes_.size();
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
            stream.visitor = open.visitor;
            stream.since = moment_at(open.since);
            const auto forward = home->forwards().find(open.forward);
            if (forward != home->forwards().end()) {
                stream.listen = forward->second.forward->listen_text();
                stream.target = forward->second.forward->target_text();
            }
            list.push_back(std::move(stream));
        }
    }
    return list;
}

std::optional<ProbeSnapshot> RelayRole::last_probe(const RelayHome& home, ForwardId id) const {
    const ProbeResult* last = home.prober().last(id);
    if (last == nullptr) return std::nullopt;
    return probe_snapshot_of(home, *home.forwards().at(id).forward, *last);
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
    }
    return list;
}

HomeSnapshot RelayRole::snapshot_of(const RelayHome& home) const {
    HomeSnapshot snapshot;
    snapshot.name = home.name();
    auto& known = const_cast<RelayHome&>(home);
    for (const RelayHome::Keys* keys : {&known.config_keys(), &known.runtime_keys()}) {
        for (const AuthorizedKey& key : keys->keys) {
            snapshot.fingerprints.push_back(to_text(fingerprint_of(key.key)));
            for (const std::string& from : key.from) snapshot.from.push_back(from);
        }
        for (const Cidr& from : keys->from) snapshot.from.push_back(to_text(from));
    }
    snapshot.origin = name_of(home.is_configured() ? Origin::Config : Origin::Runtime);
    snapshot.online = home.online();
    if (home.since()) snapshot.since = moment_at(*home.since());
    snapshot.forwards = home.forwards().size();
    return snapshot;
}

Result<std::vector<HomeSnapshot>> RelayRole::homes() {
    std::vector<HomeSnapshot> list;
    for (const auto& [name, home] : homes_) list.push_back(snapshot_of(*home));
    return list;
}

Result<std::vector<AllowSnapshot>> RelayRole::allow() {
    return not_here();
}
Result<AllowSnapshot> RelayRole::add_allow(std::string_view) {
    return not_here();
}

// The named home; without a name the only one that is connected, or the only one there is.
Result<RelayHome*> RelayRole::home_for_forward(const std::string& name) const {
    if (!name.empty()) {
        const auto found = homes_.find(name);
        if (found == homes_.end()) return no_home(name);
        return found->second.get();
    }
    std::vector<RelayHome*> online;
    for (const auto& [known, home] : homes_) {
        if (home->online()) online.push_back(home.get());
    }
    if (online.size() == 1) return online.front();
    if (online.empty() && homes_.size() == 1) return homes_.begin()->second.get();
    if (homes_.empty()) {
        return Error{ErrorCode::NotFound,
                     "no home is known yet: relayctl home add NAME 'ssh-ed25519 …'"};
    }
    return Error{ErrorCode::Refused,
                 fmt::format("{} homes are connected: say which one with --home NAME",
                             online.empty() ? "no" : std::to_string(online.size()))};
}

Result<std::vector<ForwardSnapshot>> RelayRole::add_forward(const AddForward& request) {
    const auto chosen = home_for_forward(request.home);
    if (!chosen) return chosen.error();
    RelayHome& home = **chosen;
    auto wanted = parse_forward(request.listen, request.to);
    if (!wanted) return wanted.error();
    ProbeKind probe = ProbeKind::Auto;
    if (!request.probe.empty()) {
        const auto kind = probe_kind_of(request.probe);
        if (!kind) {
            return Error{ErrorCode::Malformed,
                         fmt::format("\"{}\" is no probe: auto, none, tcp, rdp, ssh, http, tls, "
                                     "ftp or vnc",
                                     request.probe)};
        }
        probe = *kind;
    }
    if (home.forwards().size() + wanted->size() > max_forwards_per_home) {
        return Error{ErrorCode::TooLarge,
                     fmt::format("a home has at most {} forwards", max_forwards_per_home)};
    }
    // Written so that what is no number is refused as well.
    if (request.grace_s && !(*request.grace_s >= 0 && *request.grace_s <= grace_most_s)) {
        return Error{ErrorCode::Malformed, "the grace is at most 24h"};
    }
    if (request.for_s && !(*request.for_s >= 1 && *request.for_s <= expiry_most_s)) {
        return Error{ErrorCode::Malformed, "a forward's time is from 1s to 365d"};
    }
    std::optional<std::int64_t> expires;
    if (request.for_s) expires = unix_now() + static_cast<std::int64_t>(*request.for_s);
    const Origin origin = request.temporary ? Origin::Temporary : Origin::Runtime;
    std::vector<ForwardId> added;
    for (ForwardSettings& forward : *wanted) {
        forward.probe = probe;
        if (request.grace_s) {
            forward.grace =
                std::chrono::milliseconds(static_cast<std::int64_t>(*request.grace_s * 1000));
        }
        added.push_back(home.add_forward(forward, origin, expires));
        const Forward& made = *home.forwards().at(added.back()).forward;
        if (made.is_listening()) continue;
        // All of them or none.
        const Error why{ErrorCode::System, made.error()};
        for (const ForwardId id : added) home.remove_forward(id, RelayHome::Streams::Reset);
        return why;
    }
    const Status saved = save_forwards();
    if (!saved) {
        for (const ForwardId id : added) home.remove_forward(id, RelayHome::Streams::Reset);
        return saved.error();
    }
    std::vector<ForwardSnapshot> list;
    for (const ForwardId id : added) {
        list.push_back(snapshot_of(home, id));
        home.tell("forward-added", fmt::format("to {}", list.back().target), id);
    }
    return list;
}

// Which forwards an operator means; an error when there is none.
Result<std::vector<RelayRole::Selected>> RelayRole::select(const std::string& home_name,
                                                           const std::string& listen) const {
    std::optional<HostPortRange> range;
    if (!listen.empty()) {
        const auto parsed = parse_listen(listen);
        if (!parsed) return parsed.error();
        range = *parsed;
    }
    // A port alone means that port on whatever address.
    const bool any_address = listen.find_first_not_of("0123456789-") == std::string::npos;
    std::vector<Selected> selected;
    for (const auto& [name, home] : homes_) {
        if (!home_name.empty() && name != home_name) continue;
        for (const auto& [id, own] : home->forwards()) {
            const HostPort& at = own.forward->settings().listen;
            if (range && !range->ports.contains(at.port)) continue;
            if (range && !any_address && at.host != range->host) continue;
            selected.push_back({home.get(), id});
        }
    }
    if (selected.empty() && (range || !home_name.empty())) {
        return Error{ErrorCode::NotFound,
                     fmt::format("no forward \"{}\": relayctl forward list shows them",
                                 listen.empty() ? home_name : listen)};
    }
    return selected;
}

Result<std::vector<ForwardSnapshot>> RelayRole::remove_forward(const ForwardSelector& which) {
    if (which.listen.empty()) return Error{ErrorCode::Malformed, "which forward? Give its port"};
    const auto selected = select(which.home, which.listen);
    if (!selected) return selected.error();
    std::vector<ForwardSnapshot> removed;
    for (const Selected& entry : *selected) {
        if (entry.home->forwards().at(entry.forward).origin == Origin::Config) {
            return Error{
                ErrorCode::Refused,
                fmt::format("forward {} stands in {}: remove it there, then relayctl reload",
                            which.listen, context_.config_path)};
        }
        removed.push_back(snapshot_of(*entry.home, entry.forward));
    }
    for (const Selected& entry : *selected) {
        entry.home->tell("forward-removed", "by an operator", entry.forward);
        entry.home->remove_forward(entry.forward, RelayHome::Streams::GoOn);
    }
    const Status saved = save_forwards();
    if (!saved) return saved.error();
    return removed;
}

Status RelayRole::close_session(const SessionSelector& which) {
    for (const auto& [name, home] : homes_) {
        if (name != which.session && home->session_text() != which.session) continue;
        if (home->driver() == nullptr) break;
        home->end_session(EndReason::ClosedByOperator);
        return Done{};
    }
    return Error{ErrorCode::NotFound,
                 fmt::format("no session \"{}\": relayctl sessions lists them", which.session)};
}

Status RelayRole::close_stream(const StreamSelector& which) {
    std::vector<RelayHome*> having;
    for (const auto& [name, home] : homes_) {
        if (!which.home.empty() && name != which.home) continue;
        if (home->streams().contains(StreamId{which.id})) having.push_back(home.get());
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
        home.prober().probe_now(entry.forward,
                                [gathering, &home, id = entry.forward](const ProbeResult& result) {
                                    const auto own = home.forwards().find(id);
                                    if (own != home.forwards().end()) {
                                        gathering->snapshots.push_back(
                                            probe_snapshot_of(home, *own->second.forward, result));
                                    }
                                    if (--gathering->missing == 0)
                                        gathering->done(std::move(gathering->snapshots));
                                });
    }
}

}  // namespace relay
