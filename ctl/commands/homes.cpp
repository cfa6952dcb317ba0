#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

void show(const Call& call, const HomeList& list) {
    if (list.homes.empty()) {
        return print_out("no homes; to let one in: relayctl invite NAME\n");
    }
    Table table{{{"HOME"}, {"STATE"}, {"KEYS"}, {"FROM"}, {"KEPT"}, {"FORWARDS", Align::Right}}};
    for (const auto& home : list.homes) {
        auto state = std::string{home.online ? "online" : "away"};
        if (!home.since) {
            state = "never seen";
        } else {
            state += ", " + age_text(home.since->distance_s);
        }
        table.add({home.name, Cell{state, home.online ? Tone::Good : Tone::Bad},
                   fmt::format("{}", fmt::join(home.fingerprints, "\n")),
                   home.from.empty() ? "anywhere" : fmt::format("{}", fmt::join(home.from, "\n")),
                   home.origin, std::to_string(home.forwards)});
    }
    print_out(table.text(call.colour));
    print_left_off(call, list.left_off, list.next);
}

// KEY may be the name of a .pub file, or a key whose words the shell has split.
std::string key_from(const std::vector<std::string>& words) {
    if (words.size() == 1 && !words[0].starts_with("ssh-")) {
        std::string line;
        if (std::ifstream file{words[0]}; std::getline(file, line)) return line;
    }
    return fmt::format("{}", fmt::join(words, " "));
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
