// What an operator can change about the homes of a relay.
#include <fmt/format.h>

#include <algorithm>

#include "common/settings/forward.h"
#include "daemon/roles/relay_role.h"

namespace relay {

namespace {

Result<RelayHome::Permissions::Part> permissions_in(const AddHome& request) {
    RelayHome::Permissions::Part part;
    for (const std::string& text : request.may_listen) {
        const auto rule = parse_listen_rule(text);
        if (!rule) return rule.error();
        part.listen.push_back(*rule);
    }
    for (const std::string& text : request.may_reach) {
        const auto rule = parse_reach_rule(text);
        if (!rule) return rule.error();
        part.reach.push_back(*rule);
    }
    return part;
}

template <typename Rule>
void add_missing(const std::vector<Rule>& more, std::vector<Rule>& into) {
    for (const Rule& rule : more) {
        if (std::find(into.begin(), into.end(), rule) == into.end()) into.push_back(rule);
    }
}

}  // namespace

Result<HomeSnapshot> RelayRole::add_home(const AddHome& request) {
    const Status name_ok = check_home_name(request.name);
    if (!name_ok) return name_ok.error();
    const auto key = parse_peer_key(request.key, request.from);
    if (!key) return key.error();
    const RelayHome* owner = home_with(key->key);
    const bool is_known = owner != nullptr && owner->name() == request.name &&
                          !(request.may_listen.empty() && request.may_reach.empty());
    if (owner != nullptr && !is_known) {
        return Error{ErrorCode::AlreadyExists,
                     fmt::format("the home {} has this key already", owner->name())};
    }
    const RelayVisitor* visitor = visitors_.with_key(key->key);
    if (visitor == nullptr) visitor = visitors_.named(request.name);
    if (visitor != nullptr) {
        return Error{ErrorCode::AlreadyExists,
                     fmt::format("that is the visitor {} already: a home has a name and a key of "
                                 "its own",
                                 visitor->name())};
    }
    if (!homes_.contains(request.name) && homes_.size() >= max_homes) {
        return Error{ErrorCode::TooLarge, fmt::format("a relay knows at most {} homes", max_homes)};
    }
    auto more = permissions_in(request);
    if (!more) return more.error();
    RelayHome& home = home_named(request.name);
    const RelayHome::Permissions before = home.permissions();
    auto permissions = before;
    add_missing(more->listen, permissions.runtime.listen);
    add_missing(more->reach, permissions.runtime.reach);
    if (permissions.runtime.listen.size() > max_listen_rules ||
        permissions.runtime.reach.size() > max_reach_rules) {
        return Error{ErrorCode::TooLarge, "a home may have at most 64 rules of each kind"};
    }
    home.set_permissions(permissions);
    const auto keys_before = home.keys().runtime.keys;
    if (!is_known) home.keys().runtime.keys.push_back(*key);
    const Status saved = save_homes();
    if (!saved) {
        home.keys().runtime.keys = keys_before;
        home.set_permissions(before);
        return saved.error();
    }
    peers_changed();
    home.tell("home-added", "by an operator");
    context_.log.info({.home = request.name}, "the home may dial in from now on");
    return snapshot_of(home);
}

Status RelayRole::remove_home(std::string_view name) {
    const auto found = homes_.find(std::string(name));
    if (found == homes_.end())
        return Error{ErrorCode::NotFound,
                     fmt::format("no home is called \"{}\": relayctl home list shows them", name)};
    RelayHome& home = *found->second;
    if (home.is_configured()) {
        return Error{ErrorCode::Refused,
                     fmt::format("the home {} stands in {}: remove it there, then relayctl reload",
                                 name, context_.config_path)};
    }
    home.tell("home-removed", "by an operator");
    const std::string gone = home.name();  // `name` may be the home's own.
    dismiss(gone);
    invitations_.erase(gone);
    peers_changed();
    context_.log.info({.home = gone}, "the home is removed");
    const Status homes_saved = save_homes();
    if (!homes_saved) return homes_saved;
    return save_forwards();
}

void RelayRole::dismiss(const std::string& name) {
    const auto found = homes_.find(name);
    leaving_.push_back(std::move(found->second));
    homes_.erase(found);
    const auto entry = std::prev(leaving_.end());
    (*entry)->leave([this, entry] {
        left_.splice(left_.end(), leaving_, entry);
        sweep_.schedule();
    });
}

}  // namespace relay
