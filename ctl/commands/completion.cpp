#include <fmt/format.h>
#include <unistd.h>

#include "common/control/gates.h"
#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/candidates.h"
#include "ctl/command_table.h"
#include "ctl/commands/gate_socket.h"

namespace relay {
namespace {

// All three ask relayctl itself, by `relayctl completion words -- WORD…`: a candidate a line, with
// its summary behind a tab.
constexpr std::string_view bash_script =
    R"(# Completion of relayctl for bash; `relayctl completion bash` prints it.
_relayctl() {
    local line=${COMP_LINE:0:COMP_POINT} words current summary
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    current=${words[-1]} COMPREPLY=()
    while IFS=$'\t' read -r line summary; do
        if [ "$line" = :files ]; then
            compopt -o filenames 2> /dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
        fi
        COMPREPLY+=("${line#"${current%"${current##*:}"}"}")  # A colon begins a word of its own.
    done < <("${words[0]}" completion words -- "${words[@]:1}" 2> /dev/null)
}
complete -F _relayctl relayctl
)";

constexpr std::string_view zsh_script =
    R"(#compdef relayctl
# Completion of relayctl for zsh; `relayctl completion zsh` prints it.
_relayctl() {
    local line
    local -a values
    for line in "${(@f)$("${words[1]}" completion words -- "${(@)words[2,CURRENT-1]}" "$PREFIX" 2> /dev/null)}"; do
        if [[ $line == :files ]]; then
            _files
            return
        fi
        [[ -z $line ]] || values+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    _describe -t words relayctl values
}
if [ "$funcstack[1]" = _relayctl ]; then _relayctl "$@"; else compdef _relayctl relayctl; fi
)";

constexpr std::string_view fish_script =
    R"(# Completion of relayctl for fish; `relayctl completion fish` prints it.
function __relayctl_words
    set -l words (commandline -opc)
    set -l found ($words[1] completion words -- $words[2..-1] (commandline -ct) 2> /dev/null)
    if test "$found[1]" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c relayctl -f -a '(__relayctl_words)'
)";

constexpr unsigned patience_s = 2;  // Somebody has pressed Tab.

template <typename List>
std::optional<List> list_of(const Call& call, const std::string& control, const char* method) {
    auto client = Client::connect(control.empty() ? call.control : control);
    if (!client) return std::nullopt;
    const auto answer = client->ask(method, to_json(ListPart{}));
    if (!answer) return std::nullopt;
    auto list = from_json<List>(*answer);
    return list ? std::optional{std::move(*list)} : std::nullopt;
}

ExitCode print_candidates(const Call& call) {
    ::alarm(patience_s);
    const KnownNames names{
        .homes =
            [&](const std::string& control) {
                std::vector<std::string> found;
                const auto list = list_of<HomeList>(call, control, "homes.list");
                if (list) {
                    for (const auto& home : list->homes) found.push_back(home.name);
                }
                return found;
            },
        .listens =
            [&](const std::string& control) {
                constexpr std::string_view usual = "127.0.0.1:";
                std::vector<std::string> found;
                const auto list = list_of<ForwardList>(call, control, "forwards.list");
                if (!list) return found;
                for (const auto& each : list->forwards) {
                    const bool is_usual = each.listen.starts_with(usual);
                    found.push_back(is_usual ? each.listen.substr(usual.size()) : each.listen);
                }
                return found;
            },
        .gates =
            [&](const std::string& control) {
                std::vector<std::string> found;
                const auto socket = control.empty() ? gate_socket(call) : control;
                const auto list = list_of<GateList>(call, socket, "gates.list");
                if (list) {
                    for (const auto& gate : list->gates) found.push_back(gate.name);
                }
                return found;
            }};
    const std::span<const std::string> words = std::span{call.arguments}.subspan(2);
    for (const Candidate& each : candidates_for(command_table(), words, names)) {
        print_out(
            fmt::format("{}{}{}\n", each.text, each.summary.empty() ? "" : "\t", each.summary));
    }
    return ExitCode::Done;
}

}  // namespace

ExitCode print_completion(Call& call) {
    const auto& words = call.arguments;
    if (words.size() >= 2 && words[0] == "words" && words[1] == "--") return print_candidates(call);
    std::string shell;
    Arguments arguments{call};
    arguments.app().add_option("SHELL", shell, "bash, zsh or fish")->required();
    if (const auto code = arguments.parse()) return *code;
    for (const auto& [name, script] : {std::pair{"bash", bash_script}, std::pair{"zsh", zsh_script},
                                       std::pair{"fish", fish_script}}) {
        if (shell != name) continue;
        print_out(std::string{script});
        return ExitCode::Done;
    }
    return usage_fault(call.command, "no script for " + shell + ", only for bash, zsh and fish");
}

}  // namespace relay
