#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/commands/key_words.h"
#include "ctl/commands/policy_cell.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

std::string lines_of(const std::vector<std::string>& texts, const char* without) {
    return texts.empty() ? without : fmt::format("{}", fmt::join(texts, "\n"));
}

void show(const Call& call, const VisitorList& list) {
    if (list.visitors.empty()) {
        return print_out(
            "no visitors; to let one in: relayctl visitor add NAME KEY --may-reach HOME:PORT\n");
    }
    std::vector<Column> columns{{"VISITOR"},  {"STATE"}, {"KEYS"},
                                {"FROM"},     {"KEPT"},  {"SESSIONS", Align::Right},
                                {"MAY REACH"}};
    const bool has_policies = add_policy_column(columns, list.visitors);
    Table table{columns};
    for (const auto& visitor : list.visitors) {
        auto state = std::string{visitor.online ? "online" : "away"};
        if (!visitor.since) {
            state = "never seen";
        } else {
            state += ", " + age_text(visitor.since->distance_s);
        }
        std::vector<Cell> cells{visitor.name,
                                Cell{state, visitor.online ? Tone::Good : Tone::Faint},
                                lines_of(visitor.fingerprints, ""),
                                lines_of(visitor.from, "anywhere"),
                                visitor.origin,
                                std::to_string(visitor.sessions),
                                lines_of(visitor.may_reach, "nothing")};
        if (has_policies) cells.push_back(policy_cell(visitor.policy));
        table.add(cells);
    }
    print_out(table.text(call.colour));
}

// What the visitor is to be told, so that it need not believe the first key that it meets.
void show_keys_of_homes(const Call& call, const VisitorSnapshot& visitor) {
    std::set<std::string> homes;
    for (const std::string& reach : visitor.may_reach)
        homes.insert(reach.substr(0, reach.find(':')));
    for (const std::string& name : homes) {
        const auto answer = fetch(call, "homes.list", to_json(ListPart{.home = name}));
        const auto list = answer ? from_json<HomeList>(*answer) : HomeList{};
        if (!list) continue;
        for (const auto& home : list->homes) {
            if (home.name != name) continue;
            for (const std::string& key : home.fingerprints) {
                fmt::print("to be sure of {} from the first time: relayd visit --home-key {}={}\n",
                           printable(name), printable(name), printable(key));
            }
        }
    }
}

}  // namespace

ExitCode add_visitor(Call& call) {
    AddVisitor request;
    std::vector<std::string> key;
    Arguments arguments{call};
    auto& app = arguments.app();
    app.add_option("VISITOR", request.name, "the visitor's name")->required();
    app.add_option("KEY", key,
                   "its public key, as `relayd key show` prints it there, or a file with it")
        ->required();
    app.add_option("--may-reach", request.may_reach,
                   "a forward that it may reach: work-pc:3389, work-pc:22000-22004, work-pc:*")
        ->type_name("HOME:PORT")
        ->allow_extra_args(false);
    app.add_option("--from", request.from,
                   "where it may dial in from: 203.0.113.0/24,2001:db8::/32")
        ->type_name("NETWORKS");
    if (const auto code = arguments.parse()) return *code;
    request.key = key_from(key);
    return ask<VisitorList>(call, "visitors.add", to_json(request), [&](const VisitorList& list) {
        for (const auto& visitor : list.visitors) {
            fmt::print("visitor {} may dial in, and reach {}\n", printable(visitor.name),
                       visitor.may_reach.empty()
                           ? "nothing yet"
                           : printable(fmt::format("{}", fmt::join(visitor.may_reach, ", "))));
            show_keys_of_homes(call, visitor);
        }
    });
}

ExitCode show_visitors(Call& call) {
    Arguments arguments{call};
    if (const auto code = arguments.parse()) return *code;
    return ask<VisitorList>(call, "visitors.list", "{}",
                            [&](const VisitorList& list) { show(call, list); });
}

ExitCode remove_visitor(Call& call) {
    RemoveVisitor request;
    Arguments arguments{call};
    arguments.app().add_option("VISITOR", request.name, "the visitor's name")->required();
    if (const auto code = arguments.parse()) return *code;
    return ask<Nothing>(call, "visitors.remove", to_json(request), [&](const Nothing&) {
        fmt::print("visitor {} removed\n", printable(request.name));
    });
}

}  // namespace relay
