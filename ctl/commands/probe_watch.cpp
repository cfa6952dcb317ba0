#include "ctl/commands/probe_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>
#include <variant>

#include "ctl/asking.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

// What the command cannot go on with: a forward that does not exist, a socket that is forbidden.
using Answer = Result<ProbeList, ClientFault>;

Answer probe_once(const Call& call, const ProbeSelector& which) {
    auto client = Client::connect(call.control);
    if (!client) return client.error();
    const auto answer = client->ask("probe", to_json(which));
    if (!answer) return answer.error();
    auto list = from_json<ProbeList>(*answer);
    if (!list) return ClientFault{ClientFault::Kind::Refused, list.error().text};
    return *std::move(list);
}

// As a probe that failed, so that whoever reads the lines reads one form.
ProbeSnapshot without_relayd(const ClientFault& fault) {
    ProbeSnapshot probe;
    probe.verdict = "no relayd";
    probe.detail = fault.text;
    probe.at.unix_ms = static_cast<std::int64_t>(std::time(nullptr)) * 1000;
    return probe;
}

void print_line(const Call& call, const ProbeSnapshot& probe) {
    if (call.json) return print_out(to_json(probe) + "\n");
    auto text = toned(local_time_text(probe.at.unix_ms), Tone::Faint, call.colour);
    if (!probe.forward.empty()) text += fmt::format("  {}  {}", probe.forward, probe.home);
    text += "  " + toned(probe.verdict, probe.ok ? Tone::Good : Tone::Bad, call.colour);
    const auto latency = probe.answer_ms || !probe.ok ? probe.answer_ms : probe.connect_ms;
    if (latency) text += "  " + latency_text(latency);
    if (!probe.detail.empty()) text += "  " + printable(probe.detail);
    print_out(text + "\n");
}

}  // namespace

ExitCode watch_probes(const Call& call, const ProbeSelector& which, const ProbeWatch& watch) {
    const std::chrono::duration<double> pause{std::max(watch.every_s, 1.0)};
    std::uint64_t failed = 0;
    for (;;) {
        auto answer = probe_once(call, which);
        if (!answer && answer.error().kind != ClientFault::Kind::Unreachable) {
            return say_fault(call, answer.error());
        }
        const auto probes =
            answer ? answer->probes : std::vector<ProbeSnapshot>{without_relayd(answer.error())};
        for (const auto& probe : probes) print_line(call, probe);
        std::fflush(stdout);  // Each line when it happens, into a pipe too.
        const bool all_ok = std::ranges::all_of(probes, &ProbeSnapshot::ok);
        failed = all_ok ? 0 : failed + 1;
        if (watch.failures > 0 && failed >= watch.failures) return ExitCode::Failed;
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace relay
