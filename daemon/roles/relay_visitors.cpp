#include "daemon/roles/relay_visitors.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/roles/runtime_state.h"
#include "daemon/roles/session_text.h"

namespace relay {

RelayVisitors::RelayVisitors(const RelayVisitor::House& house)
    : house_(house),
      file_(house.context.state_dir + "/visitors"),
      sweep_(house.context.loop, [this] { left_.clear(); }) {}

void RelayVisitors::configure() {
    for (const auto& [name, entry] : house_.settings.visitors) {
        RelayVisitor& visitor = made(name);
        visitor.keys().config = {entry.keys, entry.from};
        visitor.may_reach().config = entry.may_reach;
    }
}

RelayVisitor& RelayVisitors::made(const std::string& name) {
    auto& visitor = visitors_[name];
    if (!visitor) visitor = std::make_unique<RelayVisitor>(house_, name);
    return *visitor;
}

Status RelayVisitors::load() {
    const auto lines = file_.load();
    if (!lines) return lines.error();
    for (const std::string& line : *lines) {
        const Status taken = load_line(line);
        if (taken) continue;
        return Error{ErrorCode::Malformed, fmt::format("{}: \"{}\": {}; correct or remove the line",
                                                       file_.path(), line, taken.error().text)};
    }
    return Done{};
}

Status RelayVisitors::load_line(const std::string& line) {
    if (is_runtime_reach(line)) {
        const auto reach = parse_runtime_reach(line);
        if (!reach) return reach.error();
        made(reach->visitor).may_reach().runtime = reach->rules;
        return Done{};
    }
    const auto key = parse_runtime_key(line);
    if (!key) return key.error();
    made(key->owner).keys().runtime.keys.push_back(key->key);
    return Done{};
}

Status RelayVisitors::save() const {
    std::vector<std::string> lines;
    for (const auto& [name, visitor] : visitors_) {
        for (const AuthorizedKey& key : visitor->keys().runtime.keys) {
            lines.push_back(line_of(RuntimeKey{name, key}));
        }
        const auto& rules = visitor->may_reach().runtime;
        if (!rules.empty()) lines.push_back(line_of(RuntimeReach{name, rules}));
    }
    return file_.save("added by relayctl visitor add", lines);
}

void RelayVisitors::go_on_with(const SessionRemains& remains) {
    for (const auto& [name, visitor] : visitors_) {
        if (remains.record().owner_name() == RelayVisitor::owner_text(name)) {
            visitor->go_on_with(remains);
        }
    }
}

void RelayVisitors::stop() {
    for (const auto& [name, visitor] : visitors_) visitor->drop();
    visitors_.clear();
    leaving_.clear();
    left_.clear();
}

RelayVisitor* RelayVisitors::with_key(const PublicKey& key) const {
    for (const auto& [name, visitor] : visitors_) {
        if (visitor->keys().has(key)) return visitor.get();
    }
    return nullptr;
}

RelayVisitor* RelayVisitors::named(const std::string& name) const {
    const auto found = visitors_.find(name);
    return found == visitors_.end() ? nullptr : found->second.get();
}

void RelayVisitors::dismiss(const std::string& name) {
    const auto found = visitors_.find(name);
    leaving_.push_back(std::move(found->second));
    visitors_.erase(found);
    const auto entry = std::prev(leaving_.end());
    (*entry)->leave([this, entry] {
        left_.splice(left_.end(), leaving_, entry);
        sweep_.schedule();
    });
}

void RelayVisitors::apply(const RelaySettings& next, ReloadSnapshot& result) {
    for (const auto& [name, entry] : house_.settings.visitors) {
        RelayVisitor* visitor = named(name);
        if (next.visitors.contains(name) || visitor == nullptr) continue;
        visitor->keys().config = {};
        visitor->may_reach().config.clear();
        if (visitor->keys().runtime.keys.empty()) dismiss(name);
        result.changes.push_back("visitor " + name + " removed");
    }
    for (const auto& [name, entry] : next.visitors) {
        const bool is_new = named(name) == nullptr;
        RelayVisitor& visitor = made(name);
        visitor.keys().config = {entry.keys, entry.from};
        if (is_new) {
            result.changes.push_back("visitor " + name + " added");
        } else if (visitor.may_reach().config != entry.may_reach) {
            result.changes.push_back("what the visitor " + name + " may reach");
        }
        visitor.may_reach().config = entry.may_reach;
        const Policy& former = policy_of_visitor(house_.settings, name);
        if (!is_new && former != entry.policy) {
            result.changes.push_back("what the visitor " + name + " may take, and when");
        }
    }
}

Result<VisitorSnapshot> RelayVisitors::add(const std::string& name, const AuthorizedKey& key,
                                           const std::vector<ReachRule>& may_reach) {
    const RelayVisitor* owner = with_key(key.key);
    if (owner != nullptr && owner->name() != name) {
        return Error{ErrorCode::AlreadyExists,
                     fmt::format("the visitor {} has this key already", owner->name())};
    }
    const bool is_new = named(name) == nullptr;
    if (is_new && visitors_.size() >= max_visitors) {
        return Error{ErrorCode::TooLarge,
                     fmt::format("a relay knows at most {} visitors", max_visitors)};
    }
    RelayVisitor& visitor = made(name);
    const auto keys_before = visitor.keys().runtime.keys;
    const auto rules_before = visitor.may_reach().runtime;
    if (owner == nullptr) visitor.keys().runtime.keys.push_back(key);
    auto& rules = visitor.may_reach().runtime;
    for (const ReachRule& rule : may_reach) {
        if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(rule);
    }
    const bool is_too_much =
        rules.size() > max_reach_rules || visitor.keys().runtime.keys.size() > max_keys_per_home;
    const Status saved =
        is_too_much
            ? Error{ErrorCode::TooLarge, fmt::format("a visitor has at most {} keys and {} rules",
                                                     max_keys_per_home, max_reach_rules)}
            : save();
    if (!saved) {
        visitor.keys().runtime.keys = keys_before;
        visitor.may_reach().runtime = rules_before;
        if (is_new) visitors_.erase(name);
        return saved.error();
    }
    visitor.tell("visitor-added", "by an operator");
    house_.context.log.info({}, "the visitor {} may dial in from now on", name);
    for (VisitorSnapshot& snapshot : list()) {
        if (snapshot.name == name) return std::move(snapshot);
    }
    return Error{ErrorCode::NotFound, "no such visitor"};
}

Status RelayVisitors::remove(const std::string& name) {
    const RelayVisitor* visitor = named(name);
    if (visitor == nullptr) {
        return Error{
            ErrorCode::NotFound,
            fmt::format("no visitor is called \"{}\": relayctl visitor list shows them", name)};
    }
    if (visitor->is_configured()) {
        return Error{
            ErrorCode::Refused,
            fmt::format("the visitor {} stands in {}: remove it there, then relayctl reload", name,
                        house_.context.config_path)};
    }
    visitor->tell("visitor-removed", "by an operator");
    const std::string gone = visitor->name();  // `name` may be the visitor's own.
    dismiss(gone);
    house_.context.log.info({}, "the visitor {} is removed", gone);
    return save();
}

std::vector<VisitorSnapshot> RelayVisitors::list() const {
    std::vector<VisitorSnapshot> list;
    for (const auto& [name, visitor] : visitors_) {
        VisitorSnapshot snapshot;
        snapshot.name = name;
        snapshot.fingerprints = visitor->keys().fingerprints();
        snapshot.from = visitor->keys().from();
        for (const auto* rules : {&visitor->may_reach().config, &visitor->may_reach().runtime}) {
            for (const ReachRule& rule : *rules) snapshot.may_reach.push_back(to_text(rule));
        }
        snapshot.origin = visitor->is_configured() ? "config" : "runtime";
        snapshot.online = visitor->online();
        if (visitor->since()) snapshot.since = moment_at(*visitor->since());
        snapshot.sessions = visitor->sessions().size();
        snapshot.policy = snapshot_of(visitor->policy());
        list.push_back(std::move(snapshot));
    }
    return list;
}

void RelayVisitors::list_sessions(std::vector<SessionSnapshot>& into) const {
    for (const auto& [name, visitor] : visitors_) {
        for (const SessionDriver* driver : visitor->sessions()) {
            SessionSnapshot session = snapshot_of(*driver);
            session.kind = name_of(PeerKind::Visitor);
            session.visitor = name;
            into.push_back(std::move(session));
        }
    }
}

bool RelayVisitors::close_session(const std::string& which) {
    for (const auto& [name, visitor] : visitors_) {
        if (name == which && !visitor->sessions().empty()) {
            visitor->end_sessions(EndReason::ClosedByOperator);
            return true;
        }
        if (visitor->end_session(which)) return true;
    }
    return false;
}

}  // namespace relay
