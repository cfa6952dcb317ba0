#include <algorithm>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/visiting/ssh_hosts.h"

namespace relay {
namespace {

// What goes into a line of its own in somebody's ssh_config.
bool is_one_word(const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c != '"' && c != 0x7f; });
}

}  // namespace

ExitCode print_ssh_config(Call& call) {
    std::string host, user, home;
    Arguments arguments{call};
    arguments.app()
        .add_option("--host", host,
                    "how visitors reach this machine: [USER@]NAME[:PORT]; otherwise as public: in "
                    "the settings says")
        ->type_name("NAME");
    arguments.app()
        .add_option("--user", user, "their user at the homes; otherwise left to them")
        ->type_name("USER");
    arguments.app().add_option("--home", home, "only this home")->type_name("HOME");
    if (const auto code = arguments.parse()) return *code;
    if (!is_one_word(host) || !is_one_word(user)) {
        return usage_fault(call.command, "a name has neither spaces nor quotes");
    }
    const auto gateway = ask_gateway(call, host);
    if (!gateway) return gateway.error();
    const auto forwards = fetch_forwards(call, home);
    if (!forwards) return forwards.error();
    const auto hosts = ssh_hosts(*forwards, *gateway);
    if (call.json) {
        print_out(ssh_hosts_json(hosts, user));
        return ExitCode::Done;
    }
    if (hosts.empty()) {
        return say_fault(call, {ClientFault::Kind::Refused, "no forward leads to an SSH server",
                                "to add one: relayctl forward add 2222 --to 22, or for another "
                                "port: --probe ssh"});
    }
    print_out(ssh_config_text(hosts, user));
    return ExitCode::Done;
}

}  // namespace relay
