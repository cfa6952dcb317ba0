#include "ctl/watching/watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <vector>

#include "common/base/text.h"
#include "ctl/watching/predecessors.h"
#include "daemon/io/system_clock.h"

namespace relay {
namespace {

// After our command has ended, a client that is there ends its session at once.
constexpr Duration session_ends_within = std::chrono::seconds{5};

WatchRegister registration(const WatchOptions& options, const OwnSession& session) {
    WatchRegister registration;
    registration.port = options.at.port;
    registration.address = to_text(options.at.address);
    registration.probe = probe_kind_name(options.probe);
    if (session.connection) registration.client = to_text(session.connection->client);
    if (session.process) registration.pid = session.process->pid();
    registration.age_s = session.age_s;
    return registration;
}

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

const char* sessions_text(std::size_t count) {
    return count == 1 ? "a former session" : "former sessions";
}

}  // namespace

Watch::Watch(const WatchOptions& options, const Announcer& announcer)
    : options_(options),
      announcer_(announcer),
      session_(own_session()),
      link_(options.socket, registration(options, session_)) {
    ::prctl(PR_SET_NAME, watcher_name(options.at.port).c_str());
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
}

void Watch::run() {
    settle();
    next_probe_ = now();
    while (!over_) {
        if (!probe_ && now() >= next_probe_) begin_probe();
        wait();
        if (session_is_gone()) return;
        handle_link();
        if (over_ || !probe_) continue;
        probe_->proceed();
        if (const auto result = probe_->result()) {
            probe_.reset();
            probed(*result);
        }
    }
}

// A port that a former session holds cannot be had by this one, but by the next.
void Watch::settle() {
    settle_with_relayd();
    if (!over_) settle_among_ourselves();
    settled_ = true;
    if (!over_ && !refusal_.empty()) over("watch-failed", "relayd: " + refusal_);
}

void Watch::settle_with_relayd() {
    while (!over_ && refusal_.empty() && !link_.is_registered() && link_.fd() >= 0) {
        wait();
        if (session_is_gone()) over_ = true;
        handle_link();
    }
}

void Watch::settle_among_ourselves() {
    const auto where = to_text(options_.at);
    const auto ended = end_watchers(options_.at.port, session_, Which::OlderThanUs);
    if (ended > 0) announcer_.said("watch-replaced", fmt::format("ended {}", sessions_text(ended)));
    const auto state = port_state(options_.at, session_);
    if (!state) return over("watch-failed", state.error().text);
    switch (state->owner) {
        case PortOwner::Ours: return;
        case PortOwner::Nobody:
            return over(
                "watch-failed",
                ended > 0 ? fmt::format("{} was held by the former session, and is free "
                                        "now: connect again",
                                        where)
                          : fmt::format("nobody listens on {}: does ssh forward it (-R)?", where));
        case PortOwner::AnotherUser: return over("watch-failed", where + " is another user's");
        case PortOwner::AnotherSession: break;
    }
    const auto freed = end_holders(state->listeners, session_);
    over("watch-failed",
         freed > 0 ? fmt::format("{} was held by {}, which ended just now: connect again", where,
                                 sessions_text(freed))
                   : fmt::format("{} is held by another session: relayctl stale {} tells more",
                                 where, options_.at.port));
}

// Until anything happens that is of interest.
void Watch::wait() {
    std::optional<TimePoint> first = probe_ ? probe_->deadline() : next_probe_;
    first = earlier(first, link_.deadline());
    std::vector<pollfd> ready = {{STDOUT_FILENO, 0, 0}};  // Its end is always told.
    if (session_.process) ready.push_back({session_.process->fd(), POLLIN, 0});
    if (link_.fd() >= 0) ready.push_back({link_.fd(), link_.wanted(), 0});
    if (probe_) ready.push_back({probe_->fd(), probe_->wanted(), 0});
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(*first - now()).count();
    ::poll(ready.data(), ready.size(),
           static_cast<int>(std::clamp<std::int64_t>(time, 0, INT32_MAX)));
}

// The end of our input is no sign: ssh -n has none from the beginning.
bool Watch::session_is_gone() const {
    if (session_.process && session_.process->has_ended()) return true;
    pollfd out{STDOUT_FILENO, 0, 0};
    return ::poll(&out, 1, 0) == 1 && (out.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void Watch::handle_link() {
    link_.proceed();
    while (!over_) {
        const auto event = link_.next_event();
        if (!event) return;
        link_said(*event);
    }
}

void Watch::link_said(const LinkEvent& event) {
    switch (event.kind) {
        case LinkEvent::Kind::Registered:
            return announcer_.said(
                "watch-registered",
                fmt::format("watching {} as {}{}", to_text(options_.at), event.answer.home,
                            event.answer.replaced > 0 ? "; a former session was ended" : ""));
        case LinkEvent::Kind::Freed:
            return over("watch-failed",
                        to_text(options_.at) +
                            " was held by a former session, and is free now: connect again");
        case LinkEvent::Kind::Away:
            return announcer_.said("watch-alone",
                                   fmt::format("relayd is not there ({}): watching {} without it",
                                               event.text, to_text(options_.at)));
        // Why that is, is found out among ourselves at the beginning; later it is the end.
        case LinkEvent::Kind::Refused: return over("watch-failed", "relayd: " + event.text);
        // The newer one waits for the port.
        case LinkEvent::Kind::Superseded:
            over(watch_superseded, event.text);
            return end_own_session();
        case LinkEvent::Kind::Closed: over(watch_closed, event.text); return bury_own_session();
    }
}

void Watch::begin_probe() {
    next_probe_ = now() + options_.every;
    probe_.emplace(ProbedAddress{options_.at.address, options_.at.port}, options_.probe);
}

// sshd takes a visitor whether its client is there or not. TCP knows: what sshd sent it of the
// visitor is sent again and again.
bool Watch::client_is_gone() const {
    constexpr std::uint32_t repeated = 2;  // A single one may be lost on a path that is well.
    if (!session_.connection) return false;
    const auto figures = figures_of(session_.connection->server, session_.connection->client);
    return figures && *figures && (*figures)->unacked > 0 && (*figures)->retransmits >= repeated;
}

void Watch::probed(LocalProbeResult result) {
    if (result.verdict == Verdict::Ok && !result.answer && client_is_gone()) {
        result.verdict = Verdict::Silent;
        result.detail = "the ssh client does not answer";
    }
    ProbeSnapshot probe;
    probe.forward = to_text(options_.at);
    probe.kind = probe_kind_name(options_.probe);
    probe.verdict = verdict_name(result.verdict);
    probe.ok = result.verdict == Verdict::Ok;
    probe.detail = result.detail;
    if (result.connect) probe.connect_ms = milliseconds(*result.connect);
    if (result.answer) probe.answer_ms = milliseconds(*result.answer);
    probe.at = this_moment();
    announcer_.probed(probe);
    report(probe);
    failures_ = probe.ok ? 0 : failures_ + 1;
    if (failures_ < options_.failures) return;
    over("watch-failed",
         failures_ == 1
             ? "the probe failed: ending the ssh session"
             : fmt::format("{} probes failed in a row: ending the ssh session", failures_));
    bury_own_session();
}

void Watch::report(const ProbeSnapshot& probe) {
    if (!link_.is_registered()) return;
    WatchReport report;
    report.probe = probe;
    const auto all = connections();
    if (all) {
        report.streams = static_cast<std::uint64_t>(std::ranges::count_if(
            *all, [&](const TcpConnection& each) { return each.local.port == options_.at.port; }));
    }
    if (session_.connection) {
        const auto figures = figures_of(session_.connection->server, session_.connection->client);
        if (figures && *figures) {
            report.bytes_in = (*figures)->bytes_received;
            report.bytes_out = (*figures)->bytes_acked;
            report.rtt_ms = (*figures)->rtt_ms;
        }
    }
    link_.report(report);
}

void Watch::over(const std::string& kind, const std::string& text) {
    over_ = true;
    announcer_.said(kind, text);
}

void Watch::end_own_session() {
    if (!session_.is_ssh) return;
    const auto ended = end_process(*session_.process);
    if (!ended) announcer_.said("watch-failed", ended.error().text);
}

// Our end tells the client, which ends the session. One that is gone hears nothing, and nobody
// would end its sshd: a process that has no part in the session any more waits for it.
void Watch::bury_own_session() {
    if (!session_.is_ssh || ::fork() != 0) return;
    ::setsid();
    ::prctl(PR_SET_NAME, "relayctl-ending");
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
    link_.close();
    if (!session_.process->ends_within(session_ends_within)) (void)end_process(*session_.process);
    std::_Exit(0);
}

}  // namespace relay
