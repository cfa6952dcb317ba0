// How a relay goes over to other settings, and touches nothing that stays the same.
#include <algorithm>

#include "common/settings/difference.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_role.h"

namespace relay {

ReloadSnapshot RelayRole::apply(const Settings& settings) {
    ReloadSnapshot result;
    const RelaySettings& next = *settings.relay;
    Settings before, after;
    before.relay = settings_;
    after.relay = next;
    const Difference difference = difference_of(before, after);
    for (const std::string& changed : difference.changed) result.changes.push_back(changed);
    result.needs_restart = difference.need_restart;
    apply_listeners(next, result);
    apply_homes(next, result);
    visitors_.apply(next, result);
    if (next.guard != settings_.guard) guard_.set(next.guard);
    settings_ = next;
    acceptor_->reload(next);
    accept_hook_.set(next.accept_hook);
    for (const auto& [name, home] : homes_) home->settings_changed();
    for (const auto& [name, visitor] : visitors_.all()) visitor->settings_changed();
    // The same path may hold another certificate now.
    const auto certificate = this->certificate();
    const Status set =
        certificate ? acceptor_->set_certificate(*certificate) : Status{certificate.error()};
    if (!set) {
        context_.log.error({.message_id = message_id::certificate_refused},
                           "{}; going on with the former certificate", set.error().text);
    }
    return result;
}

void RelayRole::apply_listeners(const RelaySettings& next, ReloadSnapshot& result) {
    for (const Endpoint& old : settings_.listen) {
        if (std::find(next.listen.begin(), next.listen.end(), old) != next.listen.end()) continue;
        const Status removed = acceptor_->remove(old);
        if (removed) result.changes.push_back("no longer listening on " + to_text(old));
    }
    for (const Endpoint& endpoint : next.listen) {
        const auto& old = settings_.listen;
        if (std::find(old.begin(), old.end(), endpoint) != old.end()) continue;
        const auto port = acceptor_->add(endpoint);
        result.changes.push_back(port ? "listening on " + to_text(endpoint) : port.error().text);
        if (port) continue;
        context_.log.error({.message_id = message_id::door_not_listening}, "{}", port.error().text);
    }
}

void RelayRole::apply_homes(const RelaySettings& next, ReloadSnapshot& result) {
    for (const auto& [name, entry] : settings_.homes) {
        if (next.homes.contains(name)) continue;
        RelayHome& home = home_named(name);
        if (home.keys().runtime.keys.empty()) {
            dismiss(name);
        } else {
            apply_home(home, HomeEntry{}, result);
        }
        result.changes.push_back("home " + name + " removed");
    }
    for (const auto& [name, entry] : next.homes) {
        if (settings_.homes.contains(name)) {
            if (settings_.homes.at(name).policy != entry.policy) {
                result.changes.push_back("what the home " + name + " may take, and when");
            }
            apply_home(home_named(name), entry, result);
        } else {
            configure_home(name, entry);
            result.changes.push_back("home " + name + " added");
        }
    }
}

void RelayRole::apply_home(RelayHome& home, const HomeEntry& next, ReloadSnapshot& result) {
    home.keys().config = {next.keys, next.from};
    auto permissions = home.permissions();
    permissions.config = {next.may_listen, next.may_reach};
    if (permissions.config != home.permissions().config) {
        result.changes.push_back("what home " + home.name() + " may listen on and reach");
    }
    std::vector<ForwardSettings> kept;
    std::vector<ForwardId> gone;
    for (const auto& [id, own] : home.forwards()) {
        if (own.origin != Origin::Config) continue;
        const auto& settings = own.forward->settings();
        const bool stays =
            std::find(next.forwards.begin(), next.forwards.end(), settings) != next.forwards.end();
        if (stays) {
            kept.push_back(settings);
        } else {
            gone.push_back(id);
        }
    }
    for (const ForwardId id : gone) {
        result.changes.push_back("forward " + home.forwards().at(id).forward->listen_text() +
                                 " removed");
        home.remove_forward(id, RelayHome::Streams::GoOn);
    }
    // Before our own, which go first: what is no longer permitted makes room.
    home.set_permissions(permissions);
    for (const ForwardSettings& forward : next.forwards) {
        if (std::find(kept.begin(), kept.end(), forward) != kept.end()) continue;
        home.add_forward(forward, Origin::Config, std::nullopt);
        result.changes.push_back("forward " + to_text(forward.listen) + " added");
    }
}

}  // namespace relay
