#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/commands/probe_cell.h"

namespace relay {
namespace {

// A line for each carrier.
template <typename Text>
std::string carriers_text(const SessionSnapshot& session, Text text) {
    std::vector<std::string> lines;
    for (const auto& carrier : session.carriers) lines.push_back(text(carrier));
    return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string addresses_text(const SessionSnapshot& session) {
    if (session.carriers.empty()) return session.address;
    return carriers_text(session, [](const CarrierSnapshot& carrier) { return carrier.address; });
}

Cell kinds_cell(const SessionSnapshot& session) {
    if (session.carriers.empty()) return {session.state, Tone::Bad};
    return {carriers_text(session, [](const CarrierSnapshot& carrier) {
        const std::string by = carrier.road == "direct" ? ", " : ", by ";
        return carrier.road.empty() ? carrier.kind : carrier.kind + by + carrier.road;
    })};
}

std::string latencies_text(const SessionSnapshot& session) {
    if (session.carriers.empty()) return latency_text(session.rtt_ms);
    return carriers_text(
        session, [](const CarrierSnapshot& carrier) { return latency_text(carrier.rtt_ms); });
}

// A line for each forward; bad if one of them is.
Cell forwards_cell(const SessionSnapshot& session) {
    Cell cell{""};
    for (const auto& forward : session.forwards) {
        if (!cell.text.empty()) cell.text += '\n';
        cell.text += fmt::format("{} {}", forward.listen, probe_text(forward.probe));
        const auto tone = probe_tone(forward.probe);
        if (cell.tone != Tone::Bad && tone != Tone::Faint) cell.tone = tone;
    }
    return cell;
}

std::string name_of(const SessionSnapshot& session) {
    return session.visitor.empty() ? home_and_relay(session) : session.visitor + " (visitor)";
}

void show(const Call& call, const SessionList& list) {
    if (list.sessions.empty()) return print_out("no home is connected\n");
    Table table{{{"HOME"},
                 {"ADDRESS"},
                 {"CARRIERS"},
                 {"UP"},
                 {"RTT", Align::Right},
                 {"STREAMS", Align::Right},
                 {"IN", Align::Right},
                 {"OUT", Align::Right},
                 {"FORWARDS"}}};
    for (const auto& session : list.sessions) {
        table.add({name_of(session), addresses_text(session), kinds_cell(session),
                   age_text(session.since.distance_s), latencies_text(session),
                   std::to_string(session.streams), bytes_text(session.bytes_in),
                   bytes_text(session.bytes_out), forwards_cell(session)});
    }
    print_out(table.text(call.colour));
    print_left_off(call, list.left_off, list.next);
}

}  // namespace

ExitCode show_sessions(Call& call) {
    ListPart part;
    Arguments arguments{call};
    add_part_options(arguments.app(), part);
    if (const auto code = arguments.parse()) return *code;
    return ask_list<SessionList>(call, "sessions.list", part,
                                 [&](const SessionList& list) { show(call, list); });
}

ExitCode close_session(Call& call) {
    SessionSelector which;
    Arguments arguments{call};
    arguments.app()
        .add_option("HOME", which.session, "a home's or visitor's name, or a session's id")
        ->required();
    if (const auto code = arguments.parse()) return *code;
    return ask<Nothing>(call, "sessions.close", to_json(which), [&](const Nothing&) {
        fmt::print("session of {} closed\n", printable(which.session));
    });
}

}  // namespace relay
