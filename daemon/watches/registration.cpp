#include "daemon/watches/registration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/base/host_port.h"
#include "common/base/probe_kind.h"
#include "daemon/watches/listening_ports.h"

namespace relay {
namespace {

constexpr std::size_t detail_most = 200;
constexpr double ms_most = 600'000;
constexpr double age_most_s = 10.0 * 365 * 86'400;

// As common/protocols/verdict.h has them; a watcher's probe needs no home.
constexpr std::string_view verdicts[] = {"ok", "refused", "closed", "silent", "wrong protocol"};

bool is_plausible(const std::optional<double>& ms) {
    return !ms || (std::isfinite(*ms) && *ms >= 0 && *ms <= ms_most);
}

Error malformed(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

}  // namespace

Result<WatchedPlace> watched_place(const std::string& address, std::uint64_t port) {
    if (port == 0 || port > UINT16_MAX) return malformed("port must be from 1 to 65535");
    const auto ip = parse_ip_address(address.empty() ? "127.0.0.1" : address);
    if (!ip) return ip.error();
    return WatchedPlace{*ip, static_cast<std::uint16_t>(port)};
}

Result<Registration> read_registration(const WatchRegister& request, TimePoint now) {
    const auto place = watched_place(request.address, request.port);
    if (!place) return place.error();
    if (!probe_kind_of(request.probe.empty() ? "auto" : request.probe)) {
        return malformed("probe must be a kind of probe");
    }
    Registration registration;
    registration.place = *place;
    registration.probe_kind = request.probe;
    if (!request.client.empty()) {
        const auto client = parse_host_port(request.client);
        if (!client) return client.error();
        const auto address = parse_ip_address(client->host);
        if (!address) return address.error();
        registration.client = to_text(HostPort{to_text(*address), client->port});
    }
    if (request.pid < 0 || request.pid > INT32_MAX) return malformed("pid must be a process");
    registration.pid = static_cast<pid_t>(request.pid);
    if (!std::isfinite(request.age_s) || request.age_s < 0)
        return malformed("age_s must be a time");
    registration.since = now - std::chrono::duration_cast<Duration>(std::chrono::duration<double>(
                                   std::min(request.age_s, age_most_s)));
    return registration;
}

Result<WatchReport> read_report(WatchReport report) {
    if (!is_plausible(report.rtt_ms)) return malformed("rtt_ms must be a time");
    if (!report.probe) return report;
    auto& probe = *report.probe;
    if (std::ranges::find(verdicts, probe.verdict) == std::end(verdicts)) {
        return malformed("verdict must be a verdict");
    }
    if (!is_plausible(probe.connect_ms) || !is_plausible(probe.answer_ms)) {
        return malformed("connect_ms and answer_ms must be times");
    }
    probe.ok = probe.verdict == verdicts[0];
    if (probe.detail.size() > detail_most) probe.detail.resize(detail_most);
    return report;
}

SessionSnapshot snapshot_of(const Registration& registration, TimePoint now,
                            std::int64_t now_unix_ms) {
    const auto& last = registration.last;
    SessionSnapshot session;
    session.home = registration.home;
    session.id = registration.session;
    session.state = "attached";
    session.address = registration.client;
    session.since = moment_of(registration.since, now, now_unix_ms);
    session.rtt_ms = last.rtt_ms;
    session.streams = last.streams;
    session.bytes_in = last.bytes_in;
    session.bytes_out = last.bytes_out;
    session.carriers.push_back(
        {"ssh", registration.client, session.since, last.rtt_ms, last.bytes_in, last.bytes_out, 0});
    const auto listen =
        to_text(HostPort{to_text(registration.place.address), registration.place.port});
    SessionForwardSnapshot forward{listen, {}, {}};
    if (last.probe) {
        forward.probe = last.probe;
        forward.probe->home = registration.home;
        forward.probe->forward = listen;
        forward.probe->target.clear();
        forward.probe->kind = registration.probe_kind;
        forward.probe->at = moment_of(registration.probed_at, now, now_unix_ms);
    }
    session.forwards.push_back(std::move(forward));
    return session;
}

Result<std::uint64_t> check_claim(const WatchedPlace& place, uid_t user, std::uint64_t inode) {
    const auto listeners = listening_on(place.address, place.port);
    if (!listeners) return listeners.error();
    const auto where = to_text(HostPort{to_text(place.address), place.port});
    if (listeners->empty()) {
        return Error{ErrorCode::NotFound, fmt::format("nobody listens on {}", where)};
    }
    for (const auto& listener : *listeners) {
        if (user != 0 && listener.uid != user) {
            return Error{ErrorCode::Refused, fmt::format("{} is another user's", where)};
        }
    }
    if (inode != 0 && listeners->front().inode != inode) {
        return Error{ErrorCode::Refused, fmt::format("{} is another session's now", where)};
    }
    return listeners->front().inode;
}

}  // namespace relay
