// What an operator can change about the homes of a relay.
#include <fmt/format.h>

#include "common/base/text.h"
#include "common/settings/forward.h"
#include "daemon/roles/relay_role.h"

namespace relay {

Result<HomeSnapshot> RelayRole::add_home(const AddHome& request) {
    const Status name_ok = check_home_name(request.name);
    if (!name_ok) return name_ok.error();
    auto key = parse_authorized_key(request.key);
    if (!key) {
        return Error{key.error().code, fmt::format("the key, at column {}: {}", key.error().column,
                                                   key.error().text)};
    }
    if (!*key) return Error{ErrorCode::Malformed, "no key: give a line as ssh-ed25519 AAAA… name"};
    for (const std::string_view part : split(request.from, ',')) {
        const std::string_view network = trim(part);
        if (network.empty()) continue;
        const auto parsed = parse_cidr(network);
        if (!parsed) return parsed.error();
        (*key)->from.push_back(std::string(network));
    }
    if (const RelayHome* owner = home_with((*key)->key)) {
        return Error{ErrorCode::AlreadyExists,
                     fmt::format("the home {} has this key already", owner->name())};
    }
    if (!homes_.contains(request.name) && homes_.size() >= max_homes) {
        return Error{ErrorCode::TooLarge, fmt::format("a relay knows at most {} homes", max_homes)};
    }
    RelayHome& home = home_named(request.name);
    home.runtime_keys().keys.push_back(**key);
    const Status saved = save_homes();
    if (!saved) {
        home.runtime_keys().keys.pop_back();
        return saved.error();
    }
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
