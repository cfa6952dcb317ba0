// What a home asks the relay to listen on, and what it gets (docs/PROTOCOL.md 10).
#include <fmt/format.h>

#include <algorithm>

#include "common/settings/forward.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_home.h"

namespace relay {

namespace {

constexpr Duration asks_pause = std::chrono::seconds(5);
constexpr std::uint32_t grace_most_s = 24 * 3600;

bool has(const std::vector<ForwardSettings>& all, const HostPort& listen) {
    return std::any_of(all.begin(), all.end(),
                       [&](const ForwardSettings& one) { return one.listen == listen; });
}

}  // namespace

void RelayHome::forwards_wanted(SessionDriver& driver, const std::vector<WantedForward>& wanted) {
    if (&driver != driver_.get() || on_left_) return;
    asked_ = wanted;
    if (asks_later_.is_armed()) return;
    if (asks_.take(now())) return heed_asked();
    asks_later_.arm(asks_pause);
}

void RelayHome::set_permissions(const Permissions& permissions) {
    const Permissions before = std::exchange(permissions_, permissions);
    if (before.config == permissions.config && before.runtime == permissions.runtime) return;
    if (asked_) return heed_asked();
    // The home has yet to say what it wants; what it had is judged by what it has.
    std::vector<ForwardSettings> granted;
    for (const auto& [id, own] : forwards_) {
        const ForwardSettings& settings = own.forward->settings();
        if (own.origin == Origin::Home && may_have(settings.listen)) granted.push_back(settings);
    }
    grant(granted);
}

void RelayHome::heed_asked() {
    const std::vector<Denied> before = std::exchange(denied_, {});
    std::vector<ForwardSettings> granted;
    std::vector<ForwardTold> told;
    for (const WantedForward& wanted : *asked_) {
        auto judged = judge(wanted, granted);
        if (judged) {
            granted.push_back(*std::move(judged));
            continue;
        }
        const std::string& why = judged.error().text;
        denied_.push_back({to_text(HostPort{wanted.address, wanted.port}),
                           to_text(HostPort{wanted.target, wanted.target_port}), why});
        told.push_back({wanted.address, wanted.port, wire::ForwardStateKind::Denied, why});
    }
    grant(granted);
    say_denied(before);
    if (!driver_) return;
    for (const ForwardTold& one : told) driver_->session().tell_forward(one);
    for (const auto& [id, own] : forwards_) {
        if (own.origin == Origin::Home) tell_state(*own.forward);
    }
    driver_->settle();
}

bool RelayHome::may_have(const HostPort& listen) const {
    return may_listen(permissions_.config.listen, listen) ||
           may_listen(permissions_.runtime.listen, listen);
}

Result<ForwardSettings> RelayHome::judge(const WantedForward& wanted,
                                         const std::vector<ForwardSettings>& granted) const {
    const auto at = parse_listen(to_text(HostPort{wanted.address, wanted.port}));
    if (!at) return at.error();
    const auto target = parse_place(to_text(HostPort{wanted.target, wanted.target_port}));
    if (!target) return target.error();
    if (wanted.grace_s > grace_most_s) return Error{ErrorCode::TooLarge, "the grace is too long"};
    ForwardSettings forward;
    forward.listen = {at->host, at->ports.first};
    forward.target = {target->host, target->ports.first};
    forward.grace = std::chrono::seconds(wanted.grace_s);
    // One that is not known here is of a later version.
    forward.probe = probe_kind_of(wanted.probe).value_or(ProbeKind::Auto);
    forward.proxy_protocol = wanted.proxy_protocol;
    if (!may_have(forward.listen)) {
        return Error{ErrorCode::Refused,
                     "not permitted: may-listen of this home does not have it at the relay"};
    }
    if (wanted.ftp) {
        const auto ftp = judge_ftp(*wanted.ftp, forward);
        if (!ftp) return ftp.error();
        forward.ftp = *ftp;
    }
    const bool is_ours = std::any_of(forwards_.begin(), forwards_.end(), [&](const auto& entry) {
        return entry.second.origin != Origin::Home &&
               entry.second.forward->settings().listen == forward.listen;
    });
    if (is_ours) return Error{ErrorCode::AlreadyExists, "the relay has a forward there itself"};
    if (const std::string why = target_refused(policy(), forward.target); !why.empty()) {
        return Error{ErrorCode::Refused, "not permitted: " + why};
    }
    if (has(granted, forward.listen)) {
        return Error{ErrorCode::AlreadyExists, "another forward of the same list is there"};
    }
    return forward;
}

// A range stays open behind TLS, so that each of its ports must be permitted.
Result<FtpForward> RelayHome::judge_ftp(const wire::FtpWish& wish,
                                        const ForwardSettings& forward) const {
    const PortRange ports{wish.first_data_port, wish.last_data_port};
    const auto ftp = parse_ftp({.protocol = "ftp",
                                .data_ports = ports == PortRange{} ? std::string() : to_text(ports),
                                .tls = wish.refuses_tls ? "refuse" : "pass"},
                               forward);
    if (!ftp || !ftp->data_ports) return ftp;
    for (unsigned i = 0; i < ports.size(); ++i) {
        const auto port = static_cast<std::uint16_t>(ports.first + i);
        if (may_have({forward.listen.host, port})) continue;
        return Error{ErrorCode::Refused,
                     "not permitted: may-listen of this home does not have port " +
                         std::to_string(port) + " of data-ports at the relay"};
    }
    return ftp;
}

// Whatever stays the same is not touched.
void RelayHome::grant(const std::vector<ForwardSettings>& granted) {
    std::vector<ForwardId> gone;
    std::vector<ForwardSettings> kept;
    for (const auto& [id, own] : forwards_) {
        if (own.origin != Origin::Home) continue;
        const ForwardSettings& settings = own.forward->settings();
        const bool stays = std::find(granted.begin(), granted.end(), settings) != granted.end();
        if (stays) {
            kept.push_back(settings);
        } else {
            gone.push_back(id);
        }
    }
    bool has_changed = !gone.empty();
    for (const ForwardId id : gone) {
        tell("forward-removed", "the home wants it no longer, or may not have it", id);
        if (may_tell_asked()) {
            context_.log.info(fields(id), "a forward of the home's own is gone{}", untold_asked());
        }
        remove_forward(id, Streams::GoOn);
    }
    for (const ForwardSettings& forward : granted) {
        if (std::find(kept.begin(), kept.end(), forward) != kept.end()) continue;
        const ForwardId id = add_forward(forward, Origin::Home, std::nullopt);
        tell("forward-added", fmt::format("to {}, as the home asks", to_text(forward.target)), id);
        has_changed = true;
    }
    if (has_changed) on_changed_();
}

void RelayHome::say_denied(const std::vector<Denied>& before) {
    if (denied_.empty() || denied_ == before) return;
    const Denied& first = denied_.front();
    const std::string text =
        fmt::format("the home asks for a listener that it may not have: {} for {}: {}{}",
                    first.listen, first.target, first.why,
                    denied_.size() == 1 ? "" : fmt::format(" (and {} more)", denied_.size() - 1));
    context_.log.warning(with_id(fields(), message_id::forward_denied), "{}", text);
    tell("forward-denied", text);
}

// A home can change its mind as often as it likes.
bool RelayHome::may_tell_asked() {
    if (asked_lines_.take(now())) return true;
    ++asked_untold_;
    return false;
}

std::string RelayHome::untold_asked() {
    const std::uint64_t count = std::exchange(asked_untold_, 0);
    return count > 0 ? fmt::format(" ({} such changes before were not told)", count) : "";
}

void RelayHome::tell_state(const Forward& forward) {
    if (!driver_ || driver_->session().over()) return;
    const HostPort& at = forward.settings().listen;
    driver_->session().tell_forward({at.host, at.port,
                                     forward.is_listening() ? wire::ForwardStateKind::Listening
                                                            : wire::ForwardStateKind::Waiting,
                                     forward.error()});
    driver_->settle();
}

}  // namespace relay
