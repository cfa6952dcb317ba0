#include <fmt/format.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

Cell state_of(const GuardedSnapshot& source) {
    if (!source.refused) return {"counted"};
    const auto left = source.until ? age_text(source.until->distance_s) : "?";
    return {"refused for " + left, Tone::Bad};
}

void show(const Call& call, const GuardedList& list) {
    if (list.sources.empty()) {
        return print_out("nobody has come to a guarded forward within the last hour\n");
    }
    Table table{{{"SOURCE"},
                 {"STATE"},
                 {"CONNECTIONS", Align::Right},
                 {"BRIEF", Align::Right},
                 {"REFUSED", Align::Right},
                 {"LAST"},
                 {"WHY"}}};
    for (const auto& source : list.sources) {
        table.add({source.source, state_of(source), std::to_string(source.connections),
                   std::to_string(source.brief_connections),
                   std::to_string(source.refused_connections),
                   source.last ? age_text(source.last->distance_s) + " ago" : "", source.why});
    }
    print_out(table.text(call.colour));
    print_left_off(list.left_off);
}

}  // namespace

ExitCode show_guard(Call& call) {
    Arguments arguments{call};
    if (const auto code = arguments.parse()) return *code;
    return ask<GuardedList>(call, "guard.list", "{}",
                            [&](const GuardedList& list) { show(call, list); });
}

ExitCode release_source(Call& call) {
    ReleaseSource request;
    Arguments arguments{call};
    arguments.app().add_option("ADDRESS", request.address, "an address of the source")->required();
    if (const auto code = arguments.parse()) return *code;
    return ask<Nothing>(call, "guard.release", to_json(request), [&](const Nothing&) {
        fmt::print("{} may come again\n", printable(request.address));
    });
}

}  // namespace relay
