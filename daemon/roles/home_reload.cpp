// How a home goes over to other settings, and touches nothing that stays the same.
#include <fmt/format.h>

#include "daemon/roles/home_role.h"

namespace relay {

namespace {

std::vector<std::string> changes_of_dialling(const DialSettings& before, const DialSettings& next) {
    std::vector<std::string> changes;
    if (next.relays != before.relays) changes.emplace_back("relay, from the next connection on");
    const bool is_reached_so = next.relay_key == before.relay_key && next.proxy == before.proxy &&
                               next.proxy_authorities == before.proxy_authorities &&
                               next.knock == before.knock && next.appearance == before.appearance &&
                               next.roads == before.roads && next.tls_verify == before.tls_verify &&
                               next.tls_verify_file == before.tls_verify_file;
    if (!is_reached_so) {
        changes.emplace_back("how the relay is reached, from the next connection on");
    }
    if (next.bind != before.bind) changes.emplace_back("bind, from the next connection on");
    const bool is_kept_so = next.ping_interval == before.ping_interval &&
                            next.ping_deadline == before.ping_deadline &&
                            next.keep_streams == before.keep_streams;
    if (!is_kept_so) changes.emplace_back("ping and keep-streams, from the next session on");
    return changes;
}

}  // namespace

void HomeRelay::apply(const HomeRelaySettings& next, ReloadSnapshot& result) {
    const std::string whose = name_.empty() ? "" : fmt::format("relay {}: ", name_);
    auto changes = changes_of_dialling(settings_, next);
    if (next.carriers != settings_.carriers) result.needs_restart.push_back(whose + "carriers");
    if (next.reconnect_first != settings_.reconnect_first ||
        next.reconnect_most != settings_.reconnect_most) {
        result.needs_restart.push_back(whose + "reconnect");
    }
    const bool wants_others = next.forwards != settings_.forwards;
    if (wants_others) changes.emplace_back("forwards");
    HomeRelaySettings kept = next;
    kept.name = settings_.name;
    kept.carriers = settings_.carriers;
    settings_ = std::move(kept);
    for (std::string& change : listeners_.set(settings_.reach)) {
        changes.push_back(std::move(change));
    }
    for (const std::string& change : changes) result.changes.push_back(whose + change);
    if (wants_others) want_forwards();
    uplinks_.set(settings_);
    // Whoever asks for a reload does not want to wait for a pause to end.
    uplinks_.hurry();
}

ReloadSnapshot HomeRole::apply(const Settings& settings) {
    ReloadSnapshot result;
    const HomeSettings& next = *settings.home;
    if (next.allow != settings_.allow) result.changes.push_back("allow");
    if (next.connect_timeout != settings_.connect_timeout) {
        result.changes.push_back("connect-timeout");
    }
    if (next.end_to_end != settings_.end_to_end || next.visitors != settings_.visitors) {
        result.changes.push_back("end-to-end and visitors, from the next stream on");
    }
    if (next.name != settings_.name) result.needs_restart.push_back("name");
    if (next.key != settings_.key) result.needs_restart.push_back("key");
    const std::string name = settings_.name;
    settings_ = next;
    settings_.name = name;
    apply_relays(result);
    return result;
}

// Those that go first: what they listened on may be another's now.
void HomeRole::apply_relays(ReloadSnapshot& result) {
    const auto wanted = relays_of(settings_);
    std::vector<std::string> gone;
    for (const auto& [name, relay] : relays_) {
        if (!wanted.contains(name)) gone.push_back(name);
    }
    for (const std::string& name : gone) {
        dismiss(name);
        result.changes.push_back(name.empty() ? "the only relay left" : "relay " + name + " left");
    }
    for (const auto& [name, settings] : wanted) {
        const auto known = relays_.find(name);
        if (known != relays_.end()) {
            known->second->apply(settings, result);
            continue;
        }
        HomeRelay& relay = add_relay(name, settings);
        relay.listen();
        relay.begin();
        result.changes.push_back(name.empty() ? "a single relay again"
                                              : "relay " + name + " added");
    }
}

void HomeRole::dismiss(const std::string& name) {
    const auto found = relays_.find(name);
    leaving_.push_back(std::move(found->second));
    relays_.erase(found);
    const auto entry = std::prev(leaving_.end());
    (*entry)->leave([this, entry] {
        left_.splice(left_.end(), leaving_, entry);
        sweep_.schedule();
    });
}

}  // namespace relay
