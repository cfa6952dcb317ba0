#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

void line(const char* name, const std::string& value) {
    if (!value.empty()) fmt::print("  {:<10}{}\n", name, printable(value));
}

std::string sessions_text(const StatusSnapshot& status) {
    auto text = fmt::format("{} connected", status.sessions);
    if (status.sessions_detached > 0) {
        text += fmt::format(", {} waiting to resume", status.sessions_detached);
    }
    return text;
}

std::string resources_text(const ResourcesSnapshot& resources) {
    if (resources.memory_bytes == 0) return {};  // Of a relayd that does not tell.
    return fmt::format("{} of memory, {} of {} descriptors", bytes_text(resources.memory_bytes),
                       resources.descriptors, resources.descriptors_most);
}

void show(const Call& call, const StatusSnapshot& status) {
    const auto healthy = status.problems.empty();
    fmt::print("{} relayd {}, {}{}, up {} (pid {})\n",
               toned("●", healthy ? Tone::Good : Tone::Bad, call.colour), printable(status.version),
               printable(status.role), status.home.empty() ? "" : " " + printable(status.home),
               age_text(status.started.distance_s), status.pid);
    line("identity", status.identity);
    line("listens", fmt::format("{}", fmt::join(status.listen, ", ")));
    line("dials", fmt::format("{}", fmt::join(status.relays, ", ")));
    line("by", fmt::format("{}", fmt::join(status.roads, "; ")));
    if (status.role == "relay") line("homes", fmt::format("{} known", status.homes_known));
    line("sessions", sessions_text(status));
    line("streams", fmt::format("{}", status.streams));
    line("forwards", fmt::format("{}", status.forwards));
    line("takes", resources_text(status.resources));
    line("config", status.config);
    line("log level", status.log_level);
    for (const auto& problem : status.problems) {
        fmt::print("  {}\n", toned("problem:  " + printable(problem), Tone::Bad, call.colour));
    }
}

}  // namespace

ExitCode show_status(Call& call) {
    Arguments arguments{call};
    if (const auto code = arguments.parse()) return *code;
    return ask<StatusSnapshot>(call, "status", "{}",
                               [&](const StatusSnapshot& status) { show(call, status); });
}

}  // namespace relay
