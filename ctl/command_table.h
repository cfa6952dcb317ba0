// All commands of relayctl.
#pragma once

#include <span>

#include "ctl/command.h"

namespace relay {

std::span<const Command> command_table();

ExitCode show_status(Call& call);
ExitCode show_sessions(Call& call);
ExitCode close_session(Call& call);
ExitCode show_streams(Call& call);
ExitCode close_stream(Call& call);
ExitCode add_forward(Call& call);
ExitCode show_forwards(Call& call);
ExitCode remove_forward(Call& call);
ExitCode add_home(Call& call);
ExitCode show_homes(Call& call);
ExitCode remove_home(Call& call);
ExitCode add_visitor(Call& call);
ExitCode show_visitors(Call& call);
ExitCode remove_visitor(Call& call);
ExitCode invite_home(Call& call);
ExitCode show_invitations(Call& call);
ExitCode revoke_invitation(Call& call);
ExitCode show_or_add_allow(Call& call);
ExitCode probe_forwards(Call& call);
ExitCode ping_session(Call& call);
ExitCode bench_session(Call& call);
ExitCode watch_port(Call& call);
ExitCode release_port(Call& call);
ExitCode show_stale(Call& call);
ExitCode kill_stale(Call& call);
ExitCode diagnose(Call& call);
ExitCode print_ssh_config(Call& call);
ExitCode print_rdp_file(Call& call);
ExitCode show_guard(Call& call);
ExitCode release_source(Call& call);
ExitCode show_gates(Call& call);
ExitCode open_gate(Call& call);
ExitCode close_gate(Call& call);
ExitCode apply_gates(Call& call);
ExitCode confirm_gates(Call& call);
ExitCode check_gates(Call& call);
ExitCode knock_host(Call& call);
ExitCode import_knockd(Call& call);
ExitCode reload_settings(Call& call);
ExitCode follow_events(Call& call);
ExitCode show_log(Call& call);
ExitCode print_completion(Call& call);

}  // namespace relay
