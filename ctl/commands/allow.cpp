#include <fmt/format.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

void show(const Call& call, const AllowList& list) {
    if (list.allow.empty()) {
        return print_out("this home dials nothing; to allow a target: relayctl allow HOST:PORT\n");
    }
    Table table{{{"ALLOWED"}, {"KEPT"}}};
    for (const auto& entry : list.allow) table.add({entry.target, entry.origin});
    print_out(table.text(call.colour));
    print_left_off(list.left_off);
}

}  // namespace

ExitCode show_or_add_allow(Call& call) {
    AddAllow request;
    Arguments arguments{call};
    arguments.app().add_option("TARGET", request.target,
                               "HOST:PORT, NETWORK:PORT or unix:/PATH to add");
    if (const auto code = arguments.parse()) return *code;
    if (request.target.empty()) {
        return ask<AllowList>(call, "allow.list", "{}",
                              [&](const AllowList& list) { show(call, list); });
    }
    return ask<AllowList>(call, "allow.add", to_json(request), [](const AllowList& list) {
        for (const auto& entry : list.allow) {
            fmt::print("{} may be dialled\n", printable(entry.target));
        }
    });
}

}  // namespace relay
