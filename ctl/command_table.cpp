#include "ctl/command_table.h"

#include <array>

namespace relay {
namespace {

constexpr std::array<Command, 19> table{{
    {"status", "", "what this relayd is, and whether all is well (the default)", show_status},
    {"sessions", "[--home HOME] [--limit NUMBER] [--after PLACE]",
     "the homes that are connected, their carriers and forwards", show_sessions},
    {"session close", "HOME|ID", "end a session and its streams; the home dials in again",
     close_session},
    {"streams", "[--home HOME] [--limit NUMBER] [--after PLACE]", "the visitors' connections",
     show_streams},
    {"stream close", "ID [--home HOME]", "end one visitor's connection", close_stream},
    {"forward add",
     "LISTEN [--home HOME] [--to TARGET] [--listen ADDRESS:PORT] [--probe KIND] [--grace TIME] "
     "[--temporary] [--for TIME]",
     "listen for visitors of a home's port", add_forward},
    {"forward list", "[--home HOME] [--limit NUMBER] [--after PLACE]",
     "the forwards and how they are", show_forwards},
    {"forward remove", "LISTEN [--home HOME]", "stop listening; streams go on", remove_forward},
    {"home add", "NAME KEY [--from NETWORKS]", "let a home dial in by its public key", add_home},
    {"home list", "[--home HOME] [--limit NUMBER] [--after PLACE]", "the homes that may dial in",
     show_homes},
    {"home remove", "NAME", "let a home dial in no longer, and end its session", remove_home},
    {"invite", "NAME [--forward FORWARD]… [--expires TIME] [--url URL]",
     "print the one command that makes a machine a home", invite_home},
    {"invite revoke", "NAME", "let an invitation hold no longer", revoke_invitation},
    {"invites", "", "the invitations that nobody has used yet", show_invitations},
    {"allow", "[HOST:PORT]", "on a home: what it may be asked to dial; with a target, add it",
     show_or_add_allow},
    {"probe", "[PORT] [--home HOME]", "try the forwards' targets now; status 0 if all serve",
     probe_forwards},
    {"reload", "", "read the configuration file again and apply what changed", reload_settings},
    {"events", "", "follow what happens, until Ctrl-C", follow_events},
    {"completion", "bash", "print the completion script of a shell", print_completion},
}};

}  // namespace

std::span<const Command> command_table() {
    return table;
}

}  // namespace relay
