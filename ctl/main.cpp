#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/base/text.h"
#include "ctl/arguments.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

constexpr Command no_command{"", "[--control SOCKET] [--json] [COMMAND …]", "", nullptr};

void print_help() {
    fmt::print(
        "Shows and changes what relayd on this machine does.\n\n"
        "usage: relayctl [--control SOCKET] [--json] [COMMAND …]\n\n"
        "commands:\n");
    for (const auto& command : command_table()) {
        fmt::print("  {:<15} {}\n", command.name, command.summary);
    }
    fmt::print(
        "relayctl COMMAND --help tells more about one.\n\n"
        "options:\n"
        "  --control SOCKET  talk to the relayd behind this control socket, instead of\n"
        "                    {}\n"
        "  --json            print what relayd answered, as docs/CONTROL.md says\n"
        "  --version         print the version\n"
        "  --help, -h        print this\n\n"
        "status: 0 done, 1 refused or failed, 2 wrong usage, 3 relayd is not reachable\n",
        RELAYD_CONTROL_SOCKET);
}

ExitCode say_usage(const std::string& text) {
    fmt::print(stderr, "relayctl: {}\n  relayctl --help lists the commands\n", printable(text));
    return ExitCode::Usage;
}

// The second words of the commands that begin with `first`.
std::vector<const Command*> commands_after(std::string_view first) {
    std::vector<const Command*> found;
    for (const auto& command : command_table()) {
        if (command.name.starts_with(std::string{first} + " ")) found.push_back(&command);
    }
    return found;
}

ExitCode print_group(std::string_view first) {
    fmt::print("usage: relayctl {} COMMAND …\n\ncommands:\n", first);
    for (const auto* command : commands_after(first)) {
        fmt::print("  {:<8} {}\n", command->name.substr(first.size() + 1), command->summary);
    }
    return ExitCode::Done;
}

// Why `words` begin with no command.
ExitCode say_no_command(const std::vector<std::string>& words) {
    if (const auto group = commands_after(words[0]); !group.empty()) {
        std::string verbs;
        for (const auto* command : group) {
            verbs += verbs.empty() ? "" : ", ";
            verbs += command->name.substr(words[0].size() + 1);
        }
        return say_usage(fmt::format("\"{}\" needs one of: {}", words[0], verbs));
    }
    std::vector<std::string_view> known;
    for (const auto& command : command_table()) {
        known.push_back(command.name.substr(0, command.name.find(' ')));
    }
    auto text = "there is no command \"" + words[0] + "\"";
    if (const auto meant = nearest_word(words[0], known); !meant.empty()) {
        text += fmt::format("; perhaps \"{}\"?", meant);
    }
    return say_usage(text);
}

// Takes the command's name off the front of `words`.
const Command* take_command(std::vector<std::string>& words) {
    if (words.empty()) words.emplace_back("status");
    for (const std::size_t count : {2, 1}) {
        if (words.size() < count) continue;
        const auto name = count == 2 ? words[0] + " " + words[1] : words[0];
        const auto found = std::ranges::find(command_table(), name, &Command::name);
        if (found == command_table().end()) continue;
        words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
        return &*found;
    }
    return nullptr;
}

ExitCode dispatch(std::vector<std::string> words, const Call& globals) {
    const auto* command = take_command(words);
    if (!command) {
        const bool asks_help = words.size() > 1 && (words[1] == "--help" || words[1] == "-h");
        if (asks_help && !commands_after(words[0]).empty()) return print_group(words[0]);
        return say_no_command(words);
    }
    Call call{*command, std::move(words), globals.control, globals.json, globals.colour};
    return command->run(call);
}

// A user's own relayd comes before the machine's.
std::string default_control() {
    const auto* folder = std::getenv("XDG_RUNTIME_DIR");
    if (::geteuid() != 0 && folder != nullptr) {
        const auto path = std::string{folder} + "/relayd/control.sock";
        if (::access(path.c_str(), F_OK) == 0) return path;
    }
    return RELAYD_CONTROL_SOCKET;
}

ExitCode run(int argc, char** argv) {
    Call globals{no_command, {}, default_control()};
    const auto* no_colour = std::getenv("NO_COLOR");
    if (::isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0')) {
        globals.colour = Colour::On;
    }
    CLI::App app;
    app.set_help_flag();
    bool help = false, version = false;
    app.add_flag("-h,--help", help);
    app.add_flag("--version", version);
    add_global_options(app, globals);
    app.prefix_command();  // The rest begins at the first word that is none of these.
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return say_usage(error.what());
    }
    if (version) {
        fmt::print("relayctl " RELAYD_VERSION "\n");
        return ExitCode::Done;
    }
    if (help) {
        print_help();
        return ExitCode::Done;
    }
    auto words = app.remaining();
    if (!words.empty() && words[0].starts_with("-")) {
        return say_usage("there is no option \"" + words[0] + "\"");
    }
    return dispatch(std::move(words), globals);
}

}  // namespace
}  // namespace relay

int main(int argc, char** argv) {
    return static_cast<int>(relay::run(argc, argv));
}
