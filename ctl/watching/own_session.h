// The ssh session that we run in, and which port is its own.
#pragma once

#include <optional>
#include <string>

#include "ctl/kernel/proc.h"
#include "ctl/kernel/process_handle.h"
#include "ctl/kernel/ssh_connection.h"

namespace relay {

struct OwnSession {
    // The process that serves the session; without ssh, our parent. Its end is ours.
    std::optional<ProcessHandle> process = {};
    bool is_ssh = false;  // The process is an sshd of our own user: ours to end.
    double age_s = 0;
    std::optional<SshConnection> connection = {};  // SSH_CONNECTION
};
OwnSession own_session();

// The nearest sshd of our user above this process.
std::optional<Process> ssh_session_above(const Process& process);

enum class PortOwner { Ours, Nobody, AnotherSession, AnotherUser };
struct PortState {
    PortOwner owner = PortOwner::Nobody;
    std::vector<TcpListening> listeners = {};
};
// With login sessions, or as root, this is known; else whatever our user has counts as ours.
Result<PortState> port_state(const SocketAddress& at, const OwnSession& session);

}  // namespace relay
