// What a relay lets visitors do, and what an operator can ask about them.
#include <fmt/format.h>

#include <algorithm>

#include "common/settings/forward.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_role.h"

namespace relay {

Refusal known_as(PeerKind kind, const std::string& name) {
    return {
        RefusalReason::OtherHome,
        fmt::format("this key is known here as the {} {}: use another one", name_of(kind), name)};
}

namespace {

// Where we reach what listens on this.
HostPort dialled(HostPort listen) {
    if (listen.host == "0.0.0.0") listen.host = "127.0.0.1";
    if (listen.host == "::") listen.host = "::1";
    return listen;
}

}  // namespace

// What the relay itself is asked for.
std::optional<HostPort> RelayRole::find_target(const std::vector<ReachRule>& rules,
                                               const Destination& to) const {
    if (const auto what = home_socket(to.host)) {
        const HostPort target{std::string{what->socket}, unix_port};
        const auto& all = settings_.targets;
        const bool is_there = std::find(all.begin(), all.end(), target) != all.end();
        if (what->home != "relay" || !is_there || !may_reach_socket(rules, *what)) return {};
        return target;
    }
    const bool may = std::any_of(rules.begin(), rules.end(), [&](const ReachRule& rule) {
        return rule.home == "relay" && rule.socket.empty() && rule.ports.contains(to.port);
    });
    if (to.host != "relay" || !may) return std::nullopt;
    for (const HostPort& target : settings_.targets) {
        if (!is_unix(target.host) && target.port == to.port) return target;
    }
    return std::nullopt;
}

// A target of the relay itself is at nobody's other end.
bool RelayRole::cannot_seal(const std::string& home) const {
    const auto found = homes_.find(home);
    return found == homes_.end() || found->second->cannot_seal();
}

// Only what listens: another program may have the port otherwise.
std::optional<HostPort> RelayRole::find_forward(const std::vector<ReachRule>& rules,
                                                const Destination& to) const {
    const auto socket = home_socket(to.host);
    const auto home = homes_.find(socket ? std::string{socket->home} : to.host);
    if (home == homes_.end()) return find_target(rules, to);
    Forwards forwards;
    for (const auto& [id, own] : home->second->forwards()) {
        if (own.forward->is_listening()) forwards.push_back(&own.forward->settings());
    }
    const ForwardSettings* forward =
        socket ? forward_named(forwards, socket->socket) : forward_named(forwards, to.port);
    if (forward == nullptr || !may_reach(rules, home->first, forwards, *forward)) {
        return std::nullopt;
    }
    return dialled(forward->listen);
}

// A data connection of FTP goes where its control connection went, be it before this process.
FtpThere RelayRole::ftp_at(const std::vector<ReachRule>& rules, const HostPort& listener) const {
    for (const auto& [name, home] : homes_) {
        std::vector<const ForwardSettings*> forwards;
        const ForwardSettings* found = nullptr;
        for (const auto& [id, own] : home->forwards()) {
            if (!own.forward->is_listening()) continue;
            forwards.push_back(&own.forward->settings());
            if (dialled(forwards.back()->listen) == listener) found = forwards.back();
        }
        if (found == nullptr) continue;
        if (!found->ftp.is_on || !may_reach(rules, name, forwards, *found)) return FtpThere::No;
        return home->knows_no_ftp() ? FtpThere::TooOld : FtpThere::Yes;
    }
    return FtpThere::No;
}

Result<UniqueFd> RelayRole::open_to_visitor(const std::string& name, const std::string& control,
                                            const Destination& to) {
    RelayVisitor* visitor = visitors_.named(name);
    if (visitor == nullptr) return Error{ErrorCode::NotFound, "the visitor is gone"};
    return visitor->open_ftp_data(control, to);
}

Result<std::vector<VisitorSnapshot>> RelayRole::visitors() {
    return visitors_.list();
}

Result<VisitorSnapshot> RelayRole::add_visitor(const AddVisitor& request) {
    const Status name_ok = check_visitor_name(request.name);
    if (!name_ok) return name_ok.error();
    const auto key = parse_peer_key(request.key, request.from);
    if (!key) return key.error();
    std::vector<ReachRule> rules;
    for (const std::string& text : request.may_reach) {
        const auto rule = parse_reach_rule(text);
        if (!rule) return rule.error();
        rules.push_back(*rule);
    }
    const RelayHome* home = home_with(key->key);
    const auto same_name = homes_.find(request.name);
    if (home == nullptr && same_name != homes_.end()) home = same_name->second.get();
    if (home != nullptr) {
        return Error{ErrorCode::AlreadyExists,
                     fmt::format("that is the home {} already: a visitor has a name and a key of "
                                 "its own",
                                 home->name())};
    }
    auto added = visitors_.add(request.name, *key, rules);
    if (added) peers_changed();
    return added;
}

Status RelayRole::remove_visitor(std::string_view name) {
    const Status removed = visitors_.remove(std::string(name));
    peers_changed();
    return removed;
}

std::vector<KnownPeer> RelayRole::known_peers() const {
    std::vector<KnownPeer> peers;
    const auto add = [&](const std::string& name, const PeerKeys& keys) {
        for (const AuthorizedKey& key : keys.runtime.keys) {
            auto from = networks_of(key);
            // Patterns that are no networks match nobody.
            if (from.empty() && !key.from.empty()) continue;
            peers.push_back({name, key.key, std::move(from)});
        }
    };
    for (const auto& [name, home] : homes_) add(name, home->keys());
    for (const auto& [name, visitor] : visitors_.all()) add(name, visitor->keys());
    return peers;
}

}  // namespace relay
