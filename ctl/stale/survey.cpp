#include "ctl/stale/survey.h"

#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <chrono>

#include "ctl/kernel/ssh_connection.h"
#include "ctl/output/units.h"
#include "ctl/probing/local_probe.h"
#include "ctl/stale/ssh_client.h"
#include "ctl/stale/wanted.h"
#include "daemon/io/system_clock.h"

namespace relay {
namespace {

// A watched port's probe that is older says nothing about now.
constexpr double fresh_s = 300;

std::int64_t unix_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(wall_time().time_since_epoch())
        .count();
}

std::string user_name(uid_t uid) {
    const auto* entry = ::getpwuid(uid);
    return entry ? std::string{entry->pw_name} : std::to_string(uid);
}

bool is_unspecified(const IpAddress& address) {
    return address == *parse_ip_address("0.0.0.0") || address == *parse_ip_address("::");
}

ProbedAddress reached_at(const SocketAddress& listening) {
    if (!is_unspecified(listening.address)) return {listening.address, listening.port};
    return {*parse_ip_address(listening.address.is_v4() ? "127.0.0.1" : "::1"), listening.port};
}

HolderSnapshot snapshot_of(const Holder& holder) {
    const double age = age_s(holder.process);
    const auto& process = holder.process;
    return {process.pid,
            user_name(process.uid),
            process.command.empty() ? process.name : process.command,
            {unix_ms() - static_cast<std::int64_t>(age * 1000), age},
            holder.client,
            holder.login};
}

ProbeSnapshot snapshot_of(const LocalProbeResult& result, ProbeKind kind) {
    const auto milliseconds = [](Duration duration) {
        return std::chrono::duration<double, std::milli>(duration).count();
    };
    ProbeSnapshot probe;
    probe.kind = probe_kind_name(kind);
    probe.verdict = verdict_name(result.verdict);
    probe.ok = result.verdict == Verdict::Ok;
    probe.detail = result.detail;
    if (result.connect) probe.connect_ms = milliseconds(*result.connect);
    if (result.answer) probe.answer_ms = milliseconds(*result.answer);
    probe.at = {unix_ms(), 0};
    return probe;
}

// sshd takes connections whether its client is there or not, and a client that is there confirms
// what sshd tells it of each.
std::string why_a_silent_one_is_alive(const HeldPort& held) {
    for (const auto& holder : held.holders) {
        switch (state_of_client(holder.client)) {
            case ClientState::Gone: return {};
            case ClientState::There: return "its ssh client, " + holder.client + ", is there";
            case ClientState::Unknown: break;
        }
    }
    return "connections are taken; with --probe, what protocol it is, more can be known";
}

// Why this must not be ended without a second thought.
std::string why_alive(const HeldPort& held, const WantedPort* wanted) {
    for (const auto& holder : held.holders) {
        const auto& process = holder.process;
        if (process.name == "relayd") return "relayd itself listens there";
        if (process.name == "sshd" && !is_ssh_session(process)) {
            return "it is the ssh server's own port";
        }
    }
    if (wanted && wanted->watched && wanted->watched->ok &&
        wanted->watched->at.distance_s < fresh_s) {
        return fmt::format("it is {}, and served {} ago", wanted->by,
                           age_text(wanted->watched->at.distance_s));
    }
    const auto& probe = *held.snapshot.probe;
    if (!probe.ok) return {};
    if (!probe.answer_ms) return why_a_silent_one_is_alive(held);
    return probe.detail.empty() ? "it serves" : "it serves: " + probe.detail;
}

struct Candidate {
    HeldPort held;
    const WantedPort* wanted;
    ProbeKind kind;
};

const WantedPort* who_wants(const WantedPorts& wanted, const TcpListening& listener) {
    const auto found = std::ranges::find_if(wanted.ports, [&](const WantedPort& port) {
        return !listening_at({listener}, port.at).empty();
    });
    return found == wanted.ports.end() ? nullptr : &*found;
}

std::vector<Candidate> candidates(const SurveyOptions& options, const WantedPorts& wanted,
                                  const std::vector<TcpListening>& all) {
    const auto listeners = options.only ? listening_at(all, *options.only) : all;
    auto searches = find_holders(listeners);
    std::vector<Candidate> found;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        const auto* by = who_wants(wanted, listeners[i]);
        auto& search = searches[i];
        const bool is_ssh = std::ranges::any_of(
            search.holders, [](const Holder& holder) { return is_ssh_session(holder.process); });
        if (!options.only && by == nullptr && !is_ssh) continue;
        StaleSnapshot snapshot;
        snapshot.listen = to_text(listeners[i].at);
        snapshot.user = user_name(listeners[i].uid);
        snapshot.unseen = search.unseen;
        if (by != nullptr) snapshot.wanted_by = by->by;
        for (const auto& holder : search.holders) snapshot.holders.push_back(snapshot_of(holder));
        auto kind = options.probe;
        if (kind == ProbeKind::Auto && by != nullptr) kind = by->kind;
        if (kind == ProbeKind::Auto) kind = kind_for_port(listeners[i].at.port);
        found.push_back({{listeners[i], std::move(search.holders), std::move(snapshot)}, by, kind});
    }
    return found;
}

}  // namespace

Result<Survey> survey_ports(const SurveyOptions& options) {
    const auto all = listening_sockets();
    if (!all) return all.error();
    const auto wanted = wanted_ports(options.control);
    auto found = candidates(options, wanted, *all);
    std::vector<LocalProbe> probes;
    probes.reserve(found.size());
    for (const auto& each : found) {
        probes.emplace_back(reached_at(each.held.listener.at), each.kind);
    }
    finish_probes(probes);
    Survey survey;
    survey.note = wanted.note;
    for (std::size_t i = 0; i < found.size(); ++i) {
        auto& held = found[i].held;
        held.snapshot.probe = snapshot_of(*probes[i].result(), found[i].kind);
        held.snapshot.alive = why_alive(held, found[i].wanted);
        survey.held.push_back(std::move(held));
    }
    return survey;
}

}  // namespace relay
