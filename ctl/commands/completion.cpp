#include <fmt/format.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"

namespace relay {
namespace {

// The options that a command's usage names, with those of all commands.
std::string options_of(const Command& command) {
    std::string options = "--help --json --control";
    for (auto at = command.usage.find("--"); at != std::string_view::npos;
         at = command.usage.find("--", at + 2)) {
        const auto end = command.usage.find_first_of(" ]", at);
        options += fmt::format(" {}", command.usage.substr(at, end - at));
    }
    return options;
}

// What may follow "forward": "add list remove".
std::string verbs_after(std::string_view first) {
    std::string verbs;
    for (const auto& command : command_table()) {
        const auto space = command.name.find(' ');
        if (space == std::string_view::npos || command.name.substr(0, space) != first) continue;
        verbs += fmt::format("{}{}", verbs.empty() ? "" : " ", command.name.substr(space + 1));
    }
    return verbs;
}

std::string bash_script() {
    std::string firsts, cases, last;
    for (const auto& command : command_table()) {
        const auto first = command.name.substr(0, command.name.find(' '));
        const auto verbs = verbs_after(first);
        if (first != last) {
            firsts += fmt::format(" {}", first);
            if (!verbs.empty() && command.name != first) {
                cases += fmt::format("        \"{}\") words='{}' ;;\n", first, verbs);
            }
        }
        cases += fmt::format(
            "        \"{}\") words='{}{}{}' ;;\n", command.name, command.name == first ? verbs : "",
            command.name == first && !verbs.empty() ? " " : "", options_of(command));
        last = first;
    }
    return fmt::format(R"(# Completion of relayctl for bash; `relayctl completion bash` prints it.
_relayctl() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} command= words word i
    if [ "${{COMP_WORDS[COMP_CWORD-1]}}" = --control ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        if [ "$word" = --control ]; then
            i=$((i + 1))
        elif [[ $word != -* && $command != *' '* ]]; then
            command=${{command:+$command }}$word
        fi
    done
    case $command in
        '') words='{} --help --version --json --control' ;;
{}        *) words='--help --json --control --home' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -F _relayctl relayctl
)",
                       firsts.substr(1), cases);
}

}  // namespace

ExitCode print_completion(Call& call) {
    std::string shell;
    Arguments arguments{call};
    arguments.app().add_option("SHELL", shell, "bash")->required();
    if (const auto code = arguments.parse()) return *code;
    if (shell != "bash")
        return usage_fault(call.command, "no script for " + shell + ", only for bash");
    print_out(bash_script());
    return ExitCode::Done;
}

}  // namespace relay
