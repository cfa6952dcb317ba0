#include "common/control/gates.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/text.h"
#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/commands/gate_socket.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

std::string lines_of(const std::vector<std::string>& texts, const char* without) {
    return texts.empty() ? without : fmt::format("{}", fmt::join(texts, "\n"));
}

Cell open_cell(const GateSnapshot& gate) {
    if (gate.open.empty()) return {"closed, " + gate.closed, Tone::Faint};
    std::string text;
    for (const auto& whom : gate.open) {
        text += fmt::format("{}{}, {} left{}", text.empty() ? "" : "\n", whom.address,
                            age_text(whom.until.distance_s),
                            whom.by == "operator" ? ", by an operator" : "");
    }
    return {text, Tone::Good};
}

std::string opened_by(const GateSnapshot& gate) {
    auto text = lines_of(gate.opened_by, "relayctl alone");
    if (gate.ascending) text += "\n(a scan opens it)";
    return text;
}

void show(const Call& call, const GateList& list) {
    if (!list.problem.empty()) {
        fmt::print(stderr, "the settings do not hold: {}\n", printable(list.problem));
    }
    if (list.gates.empty()) {
        return print_out("no gates; relayd.yaml(5) says how to close a port: gates:\n");
    }
    Table table{{{"GATE"},
                 {"PORTS"},
                 {"OPEN FOR"},
                 {"OPENED BY"},
                 {"ALWAYS"},
                 {"KNOCKED", Align::Right},
                 {"PASSED", Align::Right},
                 {"REFUSED", Align::Right}}};
    for (const auto& gate : list.gates) {
        auto places = gate.places;
        for (const auto& place : gate.claimed) places.push_back(place + ", a forward");
        table.add({gate.name, lines_of(places, "none yet"), open_cell(gate), opened_by(gate),
                   lines_of(gate.always, "nobody"), std::to_string(gate.knocked),
                   std::to_string(gate.passed), std::to_string(gate.refused)});
    }
    print_out(table.text(call.colour));
}

void say_changes(const ReloadSnapshot& done) {
    for (const auto& change : done.changes) fmt::print("{}\n", printable(change));
    if (done.changes.empty()) fmt::print("the gates are as the settings say already\n");
}

}  // namespace

std::string gate_socket(const Call& call) {
    const bool is_usual = call.control.ends_with("/relayd/control.sock");
    return is_usual ? "/run/relayd-gate/control.sock" : call.control;
}

ExitCode show_gates(Call& call) {
    Arguments arguments{call};
    if (const auto code = arguments.parse()) return *code;
    call.control = gate_socket(call);
    return ask<GateList>(call, "gates.list", "{}", [&](const GateList& list) { show(call, list); });
}

ExitCode open_gate(Call& call) {
    OpenGate request;
    Arguments arguments{call};
    arguments.app().add_option("GATE", request.gate, "the gate's name")->required();
    arguments.app().add_option("ADDRESS", request.address, "who may pass")->required();
    arguments.add_duration("--for", request.for_s, "for so long; otherwise as its open-for says");
    if (const auto code = arguments.parse()) return *code;
    call.control = gate_socket(call);
    return ask<Nothing>(call, "gates.open", to_json(request), [&](const Nothing&) {
        fmt::print("{} may pass {}\n", printable(request.address), printable(request.gate));
    });
}

ExitCode close_gate(Call& call) {
    CloseGate request;
    Arguments arguments{call};
    arguments.app().add_option("GATE", request.gate, "the gate's name")->required();
    arguments.app().add_option("ADDRESS", request.address, "who may pass no longer")->required();
    if (const auto code = arguments.parse()) return *code;
    call.control = gate_socket(call);
    return ask<Nothing>(call, "gates.close", to_json(request), [&](const Nothing&) {
        fmt::print("{} may not pass {} any more; connections that are there go on\n",
                   printable(request.address), printable(request.gate));
    });
}

ExitCode apply_gates(Call& call) {
    ApplyGates request;
    Arguments arguments{call};
    arguments.add_duration("--confirm", request.confirm_s,
                           "take all back after so long, unless it is confirmed");
    if (const auto code = arguments.parse()) return *code;
    call.control = gate_socket(call);
    return ask<ReloadSnapshot>(
        call, "gates.apply", to_json(request), [&](const ReloadSnapshot& done) {
            say_changes(done);
            if (!request.confirm_s) return;
            fmt::print(
                "open another connection to this host now; if that works: relayctl gate confirm\n"
                "after {} all this is taken back\n",
                age_text(*request.confirm_s));
        });
}

ExitCode confirm_gates(Call& call) {
    Arguments arguments{call};
    if (const auto code = arguments.parse()) return *code;
    call.control = gate_socket(call);
    return ask<Nothing>(call, "gates.confirm", "{}",
                        [](const Nothing&) { fmt::print("the gates stay as they are now\n"); });
}

}  // namespace relay
