// What an operator can change about the forwards of a relay.
#include <fmt/format.h>

#include <algorithm>

#include "common/settings/forward.h"
#include "common/settings/reader.h"
#include "daemon/roles/relay_role.h"

namespace relay {

namespace {

constexpr double grace_most_s = 24 * 3600;
constexpr double expiry_most_s = 365.0 * 24 * 3600;

Error no_home(std::string_view name) {
    return Error{ErrorCode::NotFound,
                 fmt::format("no home is called \"{}\": relayctl home list shows them", name)};
}

Result<ProbeKind> parse_probe(const std::string& text) {
    if (text.empty()) return ProbeKind::Auto;
    if (const auto kind = probe_kind_of(text)) return *kind;
    return Error{
        ErrorCode::Malformed,
        fmt::format("\"{}\" is no probe: auto, none, tcp, rdp, ssh, http, tls, ftp or vnc", text)};
}

Result<SocketFile> parse_file(const AddForward& request, const HostPort& listen) {
    SocketFile file;
    if (!is_unix(listen.host) && (!request.mode.empty() || !request.group.empty())) {
        return Error{ErrorCode::Malformed, "only a unix socket has a mode and a group"};
    }
    if (!request.mode.empty()) {
        const auto mode = parse_mode(request.mode);
        if (!mode) return mode.error();
        file.mode = *mode;
    }
    if (!request.group.empty()) {
        auto group = parse_group(request.group);
        if (!group) return group.error();
        file.group = *std::move(group);
    }
    return file;
}

// What the request says; nothing for the relay's default.
Result<std::string> parse_gate(const AddForward& request, const HostPort& listen,
                               const Gates* gates) {
    if (request.gate.empty()) return std::string();
    auto gate = parse_gate_name(request.gate);
    if (!gate) return gate;
    if (gates == nullptr || !gates->has(*gate)) {
        return Error{ErrorCode::NotFound,
                     fmt::format("there is no gate {}: write it under gates: in the settings, then "
                                 "relayctl reload and relayctl gate apply",
                                 *gate)};
    }
    if (!can_be_gated(listen)) {
        return Error{ErrorCode::Malformed,
                     fmt::format("{} is reached from this host alone, which no gate keeps out: "
                                 "listen on another address, as 0.0.0.0:{}",
                                 to_text(listen), listen.port)};
    }
    return gate;
}

}  // namespace

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

void RelayRole::add_forward(const AddForward& request,
                            Completion<std::vector<ForwardSnapshot>> done) {
    const auto added = begin_forwards(request);
    if (!added) return done(added.error());
    const auto& forwards = homes_.at(added->home)->forwards();
    const bool is_gated = std::ranges::any_of(
        added->forwards, [&](ForwardId id) { return !forwards.at(id).forward->gate().empty(); });
    if (!is_gated) return done(finish_forwards(*added));
    context_.gates->when_answered(
        [this, added = *added, done = std::move(done)] { done(finish_forwards(added)); });
}

Result<RelayRole::Added> RelayRole::begin_forwards(const AddForward& request) {
    const auto chosen = home_for_forward(request.home);
    if (!chosen) return chosen.error();
    RelayHome& home = **chosen;
    auto wanted = parse_forward(request.listen, request.to);
    if (!wanted) return wanted.error();
    const auto probe = parse_probe(request.probe);
    if (!probe) return probe.error();
    const auto file = parse_file(request, wanted->front().listen);
    if (!file) return file.error();
    const auto gate = parse_gate(request, wanted->front().listen, context_.gates);
    if (!gate) return gate.error();
    const auto ftp =
        parse_ftp({request.protocol, request.data_ports, request.ftp_tls}, wanted->front());
    if (!ftp) return ftp.error();
    for (const ForwardSettings& forward : *wanted) {
        const std::string why = target_refused(home.policy(), forward.target);
        if (why.empty()) continue;
        return Error{ErrorCode::Refused,
                     fmt::format("{} may have no such forward: {}", home.name(), why)};
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
    Added added{home.name(), {}};
    for (ForwardSettings& forward : *wanted) {
        forward.probe = *probe;
        forward.proxy_protocol = request.proxy_protocol;
        forward.file = *file;
        forward.gate = *gate;
        forward.ftp = *ftp;
        if (request.grace_s) {
            forward.grace =
                std::chrono::milliseconds(static_cast<std::int64_t>(*request.grace_s * 1000));
        }
        added.forwards.push_back(home.add_forward(forward, origin, expires));
        const Forward& made = *home.forwards().at(added.forwards.back()).forward;
        if (!made.is_listening() && made.gate().empty()) break;
    }
    return added;
}

// All of them or none.
Result<std::vector<ForwardSnapshot>> RelayRole::finish_forwards(const Added& added) {
    const auto found = homes_.find(added.home);
    if (found == homes_.end()) return no_home(added.home);
    RelayHome& home = *found->second;
    const auto give_up = [&](const Error& why) {
        for (const ForwardId id : added.forwards) {
            home.remove_forward(id, RelayHome::Streams::Reset);
        }
        return why;
    };
    for (const ForwardId id : added.forwards) {
        const auto own = home.forwards().find(id);
        if (own == home.forwards().end()) {
            return give_up({ErrorCode::NotFound, "the forward is removed already"});
        }
        const Forward& made = *own->second.forward;
        if (!made.is_listening()) return give_up({ErrorCode::System, made.error()});
    }
    const Status saved = save_forwards();
    if (!saved) return give_up(saved.error());
    std::vector<ForwardSnapshot> list;
    for (const ForwardId id : added.forwards) {
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
            if (any_address && is_unix(at.host) && range) continue;
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
        if (entry.home->forwards().at(entry.forward).origin == Origin::Home) {
            return Error{ErrorCode::Refused,
                         fmt::format("the home {} asks for forward {}: take it out of forwards in "
                                     "its settings, or out of may-listen in {}",
                                     entry.home->name(), which.listen, context_.config_path)};
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

}  // namespace relay
