#include <fmt/format.h>

#include <algorithm>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/commands/probe_watch.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

void show(const Call& call, const ProbeList& list) {
    if (list.probes.empty()) return print_out("there are no forwards to probe\n");
    Table table{{{"FORWARD"},
                 {"HOME"},
                 {"TARGET"},
                 {"PROBE"},
                 {"VERDICT"},
                 {"CONNECT", Align::Right},
                 {"ANSWER", Align::Right},
                 {"DETAIL"}}};
    for (const auto& probe : list.probes) {
        table.add({probe.forward, probe.home, probe.target, probe.kind,
                   Cell{probe.verdict, probe.ok ? Tone::Good : Tone::Bad},
                   latency_text(probe.connect_ms), latency_text(probe.answer_ms), probe.detail});
    }
    print_out(table.text(call.colour));
    print_left_off(list.left_off);
}

}  // namespace

ExitCode probe_forwards(Call& call) {
    ProbeSelector which;
    std::optional<double> every_s;
    std::uint64_t failures = 0;
    Arguments arguments{call};
    arguments.app().add_option("PORT", which.forward,
                               "only the forward that listens there: PORT or ADDRESS:PORT");
    arguments.app().add_option("--home", which.home, "only this home")->type_name("HOME");
    arguments.add_duration("--watch", every_s,
                           "again and again with this pause, a line each, until Ctrl-C");
    arguments.app()
        .add_option("--failures", failures,
                    "with --watch: end with status 1 after so many failures in a row")
        ->type_name("NUMBER");
    if (const auto code = arguments.parse()) return *code;
    if (failures > 0 && !every_s) return usage_fault(call.command, "--failures needs --watch TIME");
    if (every_s) return watch_probes(call, which, {*every_s, failures});
    // Not by ask(): the exit code tells the outcome, with --json too.
    const auto answer = fetch(call, "probe", to_json(which));
    if (!answer) return answer.error();
    const auto list = from_json<ProbeList>(*answer);
    if (!list) return say_not_understood(call, list.error());
    if (call.json) {
        print_out(*answer + "\n");
    } else {
        show(call, *list);
    }
    const auto all_ok =
        std::ranges::all_of(list->probes, [](const auto& probe) { return probe.ok; });
    return all_ok ? ExitCode::Done : ExitCode::Failed;
}

}  // namespace relay
