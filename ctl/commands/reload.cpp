#include <fmt/format.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

void show(const ReloadSnapshot& reloaded) {
    if (reloaded.changes.empty() && reloaded.needs_restart.empty()) {
        return print_out("nothing has changed\n");
    }
    for (const auto& change : reloaded.changes) fmt::print("{}\n", printable(change));
    for (const auto& setting : reloaded.needs_restart) {
        fmt::print("{}: takes effect at the next start of relayd\n", printable(setting));
    }
}

}  // namespace

ExitCode reload_settings(Call& call) {
    Arguments arguments{call};
    if (const auto code = arguments.parse()) return *code;
    return ask<ReloadSnapshot>(call, "reload", "{}", show);
}

}  // namespace relay
