#include "ctl/arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

void print_option(const CLI::Option& option) {
    auto name = option.get_name();
    // Flags have no value, and what stands without dashes is named after its value.
    if (option.get_items_expected() > 0 && name.starts_with("-")) {
        name += " " + option.get_type_name();
    }
    fmt::print("  {:<22}  {}\n", name, option.get_description());
}

// What else begins with this command's name: "stale kill" after "stale".
void print_commands_below(std::string_view name) {
    const auto start = std::string{name} + " ";
    bool is_first = true;
    for (const auto& command : command_table()) {
        if (!command.name.starts_with(start)) continue;
        fmt::print("{}  {:<8} {}\n", is_first ? "\ncommands:\n" : "",
                   command.name.substr(start.size()), command.summary);
        is_first = false;
    }
}

}  // namespace

void add_global_options(CLI::App& app, Call& call) {
    app.add_option("--control", call.control, "the control socket of the relayd to talk to")
        ->type_name("SOCKET");
    app.add_flag("--json", call.json, "print what relayd answered, as docs/CONTROL.md says");
}

ExitCode usage_fault(const Command& command, const std::string& text) {
    fmt::print(stderr, "relayctl {}: {}\n  usage: relayctl {}{}{}\n", command.name, printable(text),
               command.name, command.usage.empty() ? "" : " ", command.usage);
    return ExitCode::Usage;
}

Arguments::Arguments(Call& call)
    : call_(call),
      app_(std::string{call.command.summary}, "relayctl " + std::string{call.command.name}) {
    add_global_options(app_, call);
}

void Arguments::add_duration(const std::string& name, std::optional<double>& seconds,
                             const std::string& description) {
    app_.add_option_function<std::string>(
            name,
            [&seconds, name](const std::string& text) {
                const auto duration = parse_duration(text);
                if (!duration) throw CLI::ValidationError(name, duration.error().text);
                seconds = std::chrono::duration<double>(*duration).count();
            },
            description)
        ->type_name("TIME");
}

std::optional<ExitCode> Arguments::parse() {
    auto reversed = call_.arguments;  // As CLI11 wants them.
    std::ranges::reverse(reversed);
    try {
        app_.parse(reversed);
        return {};
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}\n\nusage: relayctl {}{}{}\n", call_.command.summary, call_.command.name,
                   call_.command.usage.empty() ? "" : " ", call_.command.usage);
        for (const auto* option : app_.get_options()) print_option(*option);
        print_commands_below(call_.command.name);
        return ExitCode::Done;
    } catch (const CLI::ParseError& error) {
        return usage_fault(call_.command, error.what());
    }
}

}  // namespace relay
