#include "daemon/roles/home_trust.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/identity/known_relays.h"
#include "daemon/log/message_ids.h"

namespace relay {

namespace {

const HomeKey* pinned(const VisitSettings& settings, const std::string& home) {
    const auto& all = settings.home_keys;
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const HomeKey& each) { return each.home == home; });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::string HomeTrust::line_name(const std::string& home) const {
    return home + "@" + to_text(relay_);
}

Result<bool> HomeTrust::knows(const VisitSettings& settings, const std::string& home) const {
    if (pinned(settings, home) != nullptr || approved_.count(line_name(home)) > 0) return true;
    const auto known = KnownRelays::load(path_);
    if (!known) return known.error();
    return known->lookup(line_name(home)).has_value();
}

Status HomeTrust::approve(const VisitSettings& settings, const std::string& home,
                          const PublicKey& key) {
    const Fingerprint shown = fingerprint_of(key);
    if (const HomeKey* pin = pinned(settings, home)) {
        if (pin->key == shown) return Done{};
        return Error{ErrorCode::Unauthentic,
                     fmt::format("{} shows the key {}, and home-key names {}: the relay, or "
                                 "somebody at it, may be listening in; correct home-key only if "
                                 "the home was set up anew",
                                 home, to_text(shown), to_text(pin->key))};
    }
    const std::string line = line_name(home);
    const auto approved = approved_.find(line);
    if (approved != approved_.end() && approved->second == shown) return Done{};
    auto known = KnownRelays::load(path_);
    if (!known) return known.error();
    const auto remembered = known->lookup(line);
    if (remembered && *remembered != shown) {
        log_.error({.peer = home, .message_id = message_id::home_key_changed},
                   "THE KEY OF {} HAS CHANGED: {} was remembered, {} is shown", home,
                   to_text(*remembered), to_text(shown));
        return Error{ErrorCode::Unauthentic,
                     fmt::format("the key of {} has changed, so the relay, or somebody at it, may "
                                 "be listening in; if the home was set up anew, remove its line "
                                 "from {}",
                                 home, path_)};
    }
    if (!remembered) {
        log_.info({.peer = home, .message_id = message_id::home_key_remembered},
                  "first contact with {}: remembering its key {}", home, to_text(shown));
        if (Status kept = known->remember(line, shown); !kept) return kept;
    }
    approved_[line] = shown;
    return Done{};
}

}  // namespace relay
