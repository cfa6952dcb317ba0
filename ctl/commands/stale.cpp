#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/host_port.h"
#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/commands/probe_cell.h"
#include "ctl/commands/stale_place.h"
#include "ctl/stale/survey.h"

namespace relay {
namespace {

template <typename Text>
std::string lines_of(const StaleSnapshot& stale, Text text) {
    std::vector<std::string> lines;
    for (const auto& holder : stale.holders) lines.push_back(text(holder));
    return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string session_text(const HolderSnapshot& holder) {
    if (holder.client.empty()) return holder.login;
    return holder.login.empty() ? holder.client
                                : fmt::format("{} ({})", holder.client, holder.login);
}

void show(const Call& call, const StaleList& list) {
    if (list.stale.empty()) return print_out("nobody holds a port that a forward wants\n");
    Table table{{{"LISTEN"},
                 {"WANTED BY"},
                 {"USER"},
                 {"PID", Align::Right},
                 {"HELD BY"},
                 {"SINCE"},
                 {"FROM (LOGIN)"},
                 {"PROBE"}}};
    for (const auto& stale : list.stale) {
        table.add(
            {stale.listen, stale.wanted_by, stale.user,
             lines_of(stale, [](const auto& holder) { return std::to_string(holder.pid); }),
             stale.holders.empty()
                 ? Cell{stale.unseen, Tone::Faint}
                 : Cell{lines_of(stale, [](const auto& holder) { return holder.command; })},
             lines_of(stale, [](const auto& holder) { return age_text(holder.since.distance_s); }),
             lines_of(stale, session_text),
             Cell{fmt::format("{}: {}", stale.probe->kind, stale.probe->verdict),
                  probe_tone(stale.probe)}});
    }
    print_out(table.text(call.colour));
}

}  // namespace

Result<SocketAddress> parse_stale_place(const std::string& text) {
    if (const auto port = parse_port(text)) return SocketAddress{*parse_ip_address("::"), *port};
    const auto place = parse_host_port(text);
    if (!place) return place.error();
    const auto address = parse_ip_address(place->host);
    if (!address) return address.error();
    return SocketAddress{*address, place->port};
}

ExitCode show_stale(Call& call) {
    std::string place;
    SurveyOptions options{.control = call.control};
    Arguments arguments{call};
    arguments.app().add_option("PORT", place,
                               "only this one, whoever has it: PORT or ADDRESS:PORT");
    if (const auto code = arguments.parse()) return *code;
    if (!place.empty()) {
        const auto only = parse_stale_place(place);
        if (!only) return usage_fault(call.command, only.error().text);
        options.only = *only;
    }
    const auto survey = survey_ports(options);
    if (!survey) return say_fault(call, {ClientFault::Kind::Refused, survey.error().text});
    if (!survey->note.empty()) fmt::print(stderr, "relayctl stale: {}\n", printable(survey->note));
    StaleList list;
    for (const auto& held : survey->held) list.stale.push_back(held.snapshot);
    if (call.json) {
        print_out(to_json(list) + "\n");
    } else {
        show(call, list);
    }
    return ExitCode::Done;
}

}  // namespace relay
