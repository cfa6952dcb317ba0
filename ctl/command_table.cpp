#include "ctl/command_table.h"

#include <array>

namespace relay {
namespace {

constexpr auto table = std::to_array<Command>({
    {"status", "", "what this relayd is, and whether all is well (the default)", show_status},
    {"sessions", "[--home HOME] [--limit NUMBER] [--after PLACE]",
     "the homes and visitors that are connected, their carriers and forwards", show_sessions},
    {"session close", "HOME|ID", "end a session and its streams; who had it dials in again",
     close_session},
    {"streams", "[--home HOME] [--limit NUMBER] [--after PLACE]", "the visitors' connections",
     show_streams},
    {"stream close", "ID [--home HOME] [--relay NAME]", "end one visitor's connection",
     close_stream},
    {"forward add",
     "LISTEN [--home HOME] [--to TARGET] [--listen ADDRESS:PORT] [--probe KIND] [--grace TIME] "
     "[--temporary] [--for TIME] [--proxy-protocol] [--protocol ftp] "
     "[--data-ports FIRST-LAST] [--ftp-tls WHAT] [--gate GATE]",
     "listen for visitors of a home's port", add_forward},
    {"forward list", "[--home HOME] [--limit NUMBER] [--after PLACE]",
     "the forwards and how they are", show_forwards},
    {"forward remove", "LISTEN [--home HOME]", "stop listening; streams go on", remove_forward},
    {"home add", "NAME KEY [--from NETWORKS] [--may-listen PORTS]… [--may-reach HOME:PORT]…",
     "let a home dial in by its public key", add_home},
    {"home list", "[--home HOME] [--limit NUMBER] [--after PLACE]", "the homes that may dial in",
     show_homes},
    {"home remove", "NAME", "let a home dial in no longer, and end its session", remove_home},
    {"visitor add", "VISITOR KEY [--may-reach HOME:PORT]… [--from NETWORKS]",
     "let a visitor dial in by its public key", add_visitor},
    {"visitor list", "", "the visitors that may dial in, and what they may reach", show_visitors},
    {"visitor remove", "VISITOR", "let a visitor dial in no longer, and end its sessions",
     remove_visitor},
    {"invite", "NAME [--forward FORWARD]… [--expires TIME] [--url URL]",
     "print the one command that makes a machine a home", invite_home},
    {"invite revoke", "NAME", "let an invitation hold no longer", revoke_invitation},
    {"invites", "", "the invitations that nobody has used yet", show_invitations},
    {"allow", "[HOST:PORT]", "on a home: what it may be asked to dial; with a target, add it",
     show_or_add_allow},
    {"probe", "[PORT] [--home HOME] [--watch TIME] [--failures NUMBER]",
     "try the forwards' targets now; status 0 if all serve", probe_forwards},
    {"ping", "[HOME] [--count NUMBER] [--every TIME] [--timeout TIME]",
     "how long a sign of life takes through a session, until Ctrl-C", ping_session},
    {"bench", "HOME [--for TIME] [--bytes SIZE] [--direction WAY]",
     "how much a session carries each way; needs no target", bench_session},
    {"watch", "PORT [--every TIME] [--probe KIND] [--failures NUMBER] [--address ADDRESS]",
     "the command of `ssh -R PORT:…`: probe the port, and end when it fails", watch_port},
    {"release", "PORT [--address ADDRESS]", "end the former ssh session that holds the port",
     release_port},
    {"stale", "[PORT]", "who holds ports that forwards want, or that ssh sessions have",
     show_stale},
    {"stale kill", "PORT [--yes] [--force] [--dry-run] [--probe KIND]",
     "end who holds a port and serves nobody", kill_stale},
    {"doctor", "[PORT] [--home HOME] [--config FILE]",
     "walk the whole way from visitor to target, and name what is broken", diagnose},
    {"ssh-config", "[--host NAME] [--user USER] [--home HOME]",
     "print ssh_config blocks for the SSH servers behind this relay", print_ssh_config},
    {"rdp-file", "HOME [--port PORT] [--local-port PORT] [--host NAME] [--output FILE]",
     "print a .rdp file for the desktop of a home", print_rdp_file},
    {"guard", "", "where visitors come from, and who is refused for a while", show_guard},
    {"guard release", "ADDRESS", "let a refused source come again", release_source},
    {"gates", "", "ports that are closed but to those who knock, and who may pass", show_gates},
    {"gates check", "[--config FILE]", "whether the settings would keep you out yourself",
     check_gates},
    {"gate open", "GATE ADDRESS [--for TIME]", "let an address pass a gate", open_gate},
    {"gate close", "GATE ADDRESS", "let an address pass a gate no longer", close_gate},
    {"gate apply", "[--confirm TIME]", "close and open gates as the settings say now", apply_gates},
    {"gate confirm", "", "keep the gates that were applied with --confirm", confirm_gates},
    {"knock",
     "HOST [PORT] [--gate GATE] [--key FILE] [--knock-port PORT] [--sequence PORTS] "
     "[--pause TIME] [--then-connect]",
     "ask a host to open its gates for us, or knock at ports of it", knock_host},
    {"knock import", "[FILE]", "print gates for what knockd's settings say", import_knockd},
    {"reload", "", "read the configuration file again and apply what changed", reload_settings},
    {"events", "", "follow what happens, until Ctrl-C", follow_events},
    {"log", "[HOME] [--follow] [--since TIME] [--explain] [--unit UNIT]",
     "what the journal has about a home, or about all", show_log},
    {"completion", "bash|zsh|fish", "print the completion script of a shell", print_completion},
});

}  // namespace

std::span<const Command> command_table() {
    return table;
}

}  // namespace relay
