#include "daemon/checks/target_findings.h"

#include <fmt/format.h>

namespace relay {

namespace {

std::string at(const std::string& home) {
    return home.empty() ? "" : "at " + home + ": ";
}

// How the service behind a port is set going, where that is known.
std::string how_to_serve(const TargetSeen& seen) {
    switch (seen.kind) {
        case ProbeKind::Rdp:
            return "switch Remote Desktop on (Windows: Settings > System > Remote Desktop; Linux: "
                   "systemctl start xrdp)";
        case ProbeKind::Ssh: return "start the SSH server: systemctl start ssh";
        case ProbeKind::Tcp:
        case ProbeKind::Http:
        case ProbeKind::Tls:
        case ProbeKind::Ftp:
        case ProbeKind::Vnc:
        case ProbeKind::None:
        case ProbeKind::Auto: break;
    }
    if (is_unix(seen.target.host)) return "start the service; what listens there: ss -xlp";
    return fmt::format("start the service; what listens there: ss -ltnp 'sport = :{}'",
                       seen.target.port);
}

void add_unreached(Checklist& checks, const TargetSeen& seen, ResetReason reason) {
    const std::string target = to_text(seen.target);
    switch (reason) {
        case ResetReason::TargetRefused:
            checks.broken("target", fmt::format("{} refuses: nothing listens there", target),
                          at(seen.home) + how_to_serve(seen));
            break;
        case ResetReason::TargetUnreachable:
            if (is_unix(seen.target.host)) {
                checks.broken("target", target + " cannot be connected to",
                              at(seen.home) +
                                  "is the socket there, may relayd write to it (ls -l), "
                                  "and does the unit's sandbox show it?");
                break;
            }
            checks.broken("target", target + " does not answer",
                          fmt::format("{}is the machine {} on, and does its firewall let port {} "
                                      "in?",
                                      at(seen.home), seen.target.host, seen.target.port));
            break;
        case ResetReason::TargetUnknown:
            checks.broken("target", fmt::format("the name {} has no address", seen.target.host),
                          fmt::format("{}getent hosts {}", at(seen.home), seen.target.host));
            break;
        case ResetReason::PeerReset:
        case ResetReason::NotAllowed:
        case ResetReason::LimitReached:
        case ResetReason::ClosedByOperator:
        case ResetReason::SessionEnded:
        case ResetReason::Internal:
        case ResetReason::NotSealed:
        case ResetReason::Unauthentic:
        case ResetReason::SpeaksFtp:
        case ResetReason::SpeaksNoFtp:
        case ResetReason::FtpTooOld:
            checks.broken("target", fmt::format("{}: {}", target, name_of(reason)),
                          at(seen.home) + "journalctl -u relayd says more");
            break;
    }
}

void add_answer(Checklist& checks, const TargetSeen& seen) {
    const auto kind = probe_kind_name(seen.kind);
    if (seen.verdict == Verdict::Ok) {
        const bool asks_more = seen.kind != ProbeKind::Tcp;
        checks.ok("protocol",
                  asks_more ? fmt::format("{}: {}", kind, seen.detail)
                            : "tcp: a connection is all that is asked of it",
                  seen.answer);
        return;
    }
    checks.broken("protocol", fmt::format("this is no {} server: it {}", kind, seen.detail),
                  "is it the right port? For a service of another kind set probe: in the "
                  "settings, or: relayctl forward add … --probe tcp");
}

}  // namespace

void add_target_findings(Checklist& checks, const TargetSeen& seen) {
    const std::string target = to_text(seen.target);
    if (seen.reset == ResetReason::NotAllowed) {
        checks.broken("allow", fmt::format("{} does not allow {}", seen.home, target),
                      fmt::format("{}relayctl allow {}", at(seen.home), target));
        checks.skipped({"target", "protocol"});
        return;
    }
    checks.ok("allow", fmt::format("{} allows {}", seen.home, target));
    add_service_findings(checks, seen);
}

void add_service_findings(Checklist& checks, const TargetSeen& seen) {
    const std::string target = to_text(seen.target);
    if (seen.reset) {
        add_unreached(checks, seen, *seen.reset);
    } else if (!seen.connect) {
        checks.broken("target", seen.detail,
                      fmt::format("have the home dial anew: relayctl session close {}", seen.home));
    } else if (seen.verdict == Verdict::Silent) {
        checks.broken("target", fmt::format("{} takes the connection and says nothing", target),
                      fmt::format("{}the service hangs: restart it; or another probe is right: "
                                  "--probe tcp",
                                  at(seen.home)));
    } else if (seen.verdict == Verdict::Closed) {
        checks.broken(
            "target", fmt::format("{} takes the connection and closes it without a byte", target),
            fmt::format("{}the service turns us away, or forwards to one that is down: its own log "
                        "says why",
                        at(seen.home)));
    } else {
        checks.ok("target", target + " takes connections", seen.connect);
        add_answer(checks, seen);
        return;
    }
    checks.skipped({"protocol"});
}

}  // namespace relay
