#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/commands/key_words.h"
#include "ctl/commands/policy_cell.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

void show(const Call& call, const HomeList& list) {
    if (list.homes.empty()) {
        return print_out("no homes; to let one in: relayctl invite NAME\n");
    }
    std::vector<Column> columns{{"HOME"}, {"STATE"}, {"KEYS"},
                                {"FROM"}, {"KEPT"},  {"FORWARDS", Align::Right}};
    const bool has_policies = add_policy_column(columns, list.homes);
    Table table{columns};
    for (const auto& home : list.homes) {
        auto state = std::string{home.online ? "online" : "away"};
        if (!home.since) {
            state = "never seen";
        } else {
            state += ", " + age_text(home.since->distance_s);
        }
        std::vector<Cell> cells{
            home.name,
            Cell{state, home.online ? Tone::Good : Tone::Bad},
            fmt::format("{}", fmt::join(home.fingerprints, "\n")),
            home.from.empty() ? "anywhere" : fmt::format("{}", fmt::join(home.from, "\n")),
            home.origin,
            std::to_string(home.forwards)};
        if (has_policies) cells.push_back(policy_cell(home.policy));
        table.add(cells);
    }
    print_out(table.text(call.colour));
    print_left_off(call, list.left_off, list.next);
}

}  // namespace

ExitCode add_home(Call& call) {
    AddHome request;
    std::vector<std::string> key;
    Arguments arguments{call};
    auto& app = arguments.app();
    app.add_option("NAME", request.name, "the home's name")->required();
    app.add_option("KEY", key,
                   "its public key, as `relayd key show` prints it there, or a file with it")
        ->required();
    app.add_option("--from", request.from,
                   "where it may dial in from: 203.0.113.0/24,2001:db8::/32")
        ->type_name("NETWORKS");
    app.add_option(
           "--may-listen", request.may_listen,
           "what it may ask us to listen on: PORT, FIRST-LAST, ADDRESS:PORTS; once for each")
        ->type_name("PORTS")
        ->allow_extra_args(false);
    app.add_option("--may-reach", request.may_reach,
                   "what its own listeners may lead to: relay:PORT, HOME:PORT; once for each")
        ->type_name("HOME:PORT")
        ->allow_extra_args(false);
    if (const auto code = arguments.parse()) return *code;
    request.key = key_from(key);
    return ask<HomeList>(call, "homes.add", to_json(request), [](const HomeList& list) {
        for (const auto& home : list.homes) {
            fmt::print("home {} may dial in with {}\n", printable(home.name),
                       printable(fmt::format("{}", fmt::join(home.fingerprints, ", "))));
        }
    });
}

ExitCode show_homes(Call& call) {
    ListPart part;
    Arguments arguments{call};
    add_part_options(arguments.app(), part);
    if (const auto code = arguments.parse()) return *code;
    return ask_list<HomeList>(call, "homes.list", part,
                              [&](const HomeList& list) { show(call, list); });
}

ExitCode remove_home(Call& call) {
    RemoveHome request;
    Arguments arguments{call};
    arguments.app().add_option("NAME", request.name, "the home's name")->required();
    if (const auto code = arguments.parse()) return *code;
    return ask<Nothing>(call, "homes.remove", to_json(request), [&](const Nothing&) {
        fmt::print("home {} removed\n", printable(request.name));
    });
}

}  // namespace relay
