// What a relay makes of what it has tried.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/ip_address.h"
#include "common/crypto/ssh_public_key.h"
#include "daemon/checks/path_findings.h"
#include "daemon/checks/target_findings.h"
#include "daemon/io/system_clock.h"
#include "daemon/roles/ftp_advice.h"
#include "daemon/roles/relay_checkup.h"

namespace relay {

namespace {

double seconds_since(TimePoint then) {
    return std::chrono::duration<double>(now() - then).count();
}

bool is_loopback(const std::string& host) {
    const auto address = parse_ip_address(host);
    return address && address->is_loopback();
}

void add_gate(Checklist& checks, const HostPort& listen) {
    if (is_unix(listen.host)) {
        checks.ok("gate", "open to whom the mode of its file lets write");
        return;
    }
    if (is_loopback(listen.host)) {
        checks.ok("gate", "open to users of this machine, and so to who may ssh to it");
        return;
    }
    const bool is_any = listen.host == "0.0.0.0" || listen.host == "::";
    checks.warning("gate",
                   fmt::format("open to everybody who reaches {}:{}",
                               is_any ? "this machine" : listen.host, listen.port),
                   fmt::format("let it listen on 127.0.0.1:{0}, and come by ssh -L {0}:127.0.0.1:"
                               "{0}; or let the firewall name who may come",
                               listen.port));
}

void add_ftp(Checklist& checks, const Forward& forward, const std::string& public_host) {
    const FtpForward& ftp = forward.settings().ftp;
    if (!ftp.is_on) return;
    const std::string ports =
        ftp.data_ports ? "ports " + to_text(*ftp.data_ports) : std::string{"any port"};
    const std::uint64_t secured = forward.counters().tls_clients;
    const std::string advice =
        ftp_tls_advice(forward.settings(), ftp_address_of(forward.settings(), public_host));
    if (ftp.refuses_tls) {
        checks.ok("data", fmt::format("comes by {}; clients are kept from TLS", ports));
    } else if (ftp.data_ports) {
        checks.ok("data",
                  fmt::format("comes by {}; behind TLS one to one, which needs {}", ports, advice));
    } else if (secured > 0) {
        checks.warning("data",
                       fmt::format("{} of its clients spoke TLS, behind which data connections "
                                   "cannot be seen: listings do not come",
                                   secured),
                       "set " + advice);
    } else {
        checks.ok("data", fmt::format("comes by {}, for clients that do not speak TLS", ports));
    }
}

}  // namespace

std::vector<CheckSnapshot> RelayCheckup::home_findings(const std::string& name) {
    Checklist checks{name};
    RelayHome* home = find_home_(name);
    if (home == nullptr) return {};
    const auto refusal = home->online() ? std::nullopt : last_refusal_(name);
    if (refusal) {
        checks.append({*refusal});
    } else {
        checks.ok("key",
                  fmt::format("it is known by {}", fmt::join(home->keys().fingerprints(), ", ")));
    }
    if (home->online()) {
        const auto carriers = home->driver()->carriers();
        checks.ok("session", fmt::format("from {} since {}", carriers.front().info.peer_address,
                                         age_words(seconds_since(home->driver()->since()))));
        add_path_findings(checks, *home->driver());
    } else if (refusal) {
        checks.skipped({"session"});
    } else {
        const auto since = home->since();
        const std::string text =
            !since ? "the home has not come since relayd runs"
                   : fmt::format("the home is away since {}: {}", age_words(seconds_since(*since)),
                                 home->last_loss());
        checks.broken("session", text,
                      "is the home's machine on and online? What keeps it away, it says itself: "
                      "relayctl doctor there");
    }
    if (home->forwards().empty()) {
        checks.warning("listener", "no forward leads to this home",
                       fmt::format("relayctl forward add 3389 --home {}", name));
    }
    return checks.take();
}

void RelayCheckup::add_listener(Checklist& checks, Visit& visit, const Forward& forward) {
    if (!forward.is_listening()) {
        checks.broken(
            "listener", forward.error(),
            is_unix(visit.listen.host)
                ? "who holds it: ss -xlp"
                : fmt::format("who holds the port: relayctl stale; to end it: relayctl stale "
                              "kill {}",
                              visit.listen.port));
    } else if (!visit.seen.listener.empty()) {
        checks.append(std::move(visit.seen.listener));
    } else {
        checks.ok("listener", "listens");
    }
}

std::vector<CheckSnapshot> RelayCheckup::visit_findings(Visit& visit) {
    Checklist checks{visit.subject};
    RelayHome* home = find_home_(visit.way.home);
    if (home == nullptr || !home->forwards().contains(visit.way.forward)) return {};
    const Forward& forward = *home->forwards().at(visit.way.forward).forward;
    add_listener(checks, visit, forward);
    add_gate(checks, visit.listen);
    add_ftp(checks, forward, options_.public_host);
    if (!visit.probed || visit.probed->verdict == Verdict::NoHome) {
        for (const auto* hop : {"allow", "target", "protocol"}) {
            checks.skipped(hop, "not tried, because of session");
        }
        return checks.take();
    }
    const ProbeResult& probe = *visit.probed;
    add_target_findings(checks, {.target = visit.target,
                                 .home = visit.way.home,
                                 .kind = visit.kind,
                                 .verdict = probe.verdict,
                                 .reset = probe.reset,
                                 .detail = probe.detail,
                                 .connect = probe.connect,
                                 .answer = probe.answer});
    checks.append(std::move(visit.seen.protocol));
    return checks.take();
}

}  // namespace relay
