// The forwards that a home asks its relay for, and what became of them (docs/PROTOCOL.md 10).
#include <fmt/format.h>

#include <algorithm>

#include "common/settings/forward.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/home_relay.h"

namespace relay {

namespace {

constexpr std::size_t why_shown_most = 256;

std::optional<wire::FtpWish> wanted(const FtpForward& ftp) {
    if (!ftp.is_on) return std::nullopt;
    const PortRange ports = ftp.data_ports.value_or(PortRange{});
    return wire::FtpWish{ftp.refuses_tls, ports.first, ports.last};
}

WantedForward wanted(const ForwardSettings& forward) {
    const auto grace = std::chrono::duration_cast<std::chrono::seconds>(forward.grace);
    return {.address = forward.listen.host,
            .port = forward.listen.port,
            .target = forward.target.host,
            .target_port = forward.target.port,
            .grace_s = static_cast<std::uint32_t>(grace.count()),
            .probe = std::string(probe_kind_name(forward.probe)),
            .proxy_protocol = forward.proxy_protocol,
            .ftp = wanted(forward.ftp)};
}

}  // namespace

// All of them, also if there are none: the relay may still have some of a former process.
void HomeRelay::want_forwards() {
    std::erase_if(told_, [&](const auto& entry) {
        return std::none_of(
            settings_.forwards.begin(), settings_.forwards.end(),
            [&](const ForwardSettings& forward) { return forward.listen == entry.first; });
    });
    if (!driver_ || driver_->session().over()) return;
    std::vector<WantedForward> all;
    for (const ForwardSettings& forward : settings_.forwards) all.push_back(wanted(forward));
    driver_->session().want_forwards(std::move(all));
    driver_->settle();
}

void HomeRelay::forward_told(SessionDriver& driver, const ForwardTold& told) {
    if (&driver != driver_.get()) return;
    const HostPort listen{told.address, told.port};
    const bool is_ours =
        std::any_of(settings_.forwards.begin(), settings_.forwards.end(),
                    [&](const ForwardSettings& forward) { return forward.listen == listen; });
    if (!is_ours) return;  // Of a list before the last one.
    ForwardTold& last = told_[listen];
    if (last.state == told.state && last.why == told.why) return;
    last = told;
    last.why = told.why.substr(0, why_shown_most);
    const std::string at = to_text(listen);
    LogFields where = fields();
    where.forward = at;
    switch (told.state) {
        case wire::ForwardStateKind::Listening:
            context_.log.info(where, "the relay listens on {} for us", at);
            tell("forward-listening", at);
            return;
        case wire::ForwardStateKind::Waiting:
            where.message_id = message_id::forward_not_listening;
            context_.log.warning(where, "the relay cannot listen on {} yet: {}", at, last.why);
            tell("forward-failed", last.why);
            return;
        case wire::ForwardStateKind::Denied:
            where.message_id = message_id::forward_denied;
            context_.log.warning(where, "the relay does not let us have {}: {}", at, last.why);
            tell("forward-denied", fmt::format("{}: {}", at, last.why));
            return;
    }
}

// Whoever asks for a forward lets its target be dialled.
bool HomeRelay::is_own_target(const Destination& to) const {
    return std::any_of(
        settings_.forwards.begin(), settings_.forwards.end(), [&](const ForwardSettings& forward) {
            const auto& data_ports = forward.ftp.data_ports;
            return forward.target == HostPort{to.host, to.port} ||
                   (data_ports && forward.target.host == to.host && data_ports->contains(to.port));
        });
}

}  // namespace relay
