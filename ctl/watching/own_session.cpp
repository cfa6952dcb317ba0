#include "ctl/watching/own_session.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "ctl/kernel/cgroup.h"

namespace relay {
namespace {

constexpr int generations_most = 64;

// Nothing: it cannot be known.
std::optional<bool> is_of_session(const TcpListening& listener, const OwnSession& session) {
    if (session.is_ssh) {
        const auto sockets = sockets_of(session.process->pid());
        if (sockets) return sockets->contains(listener.inode);
    }
    const auto cgroup = own_cgroup();
    if (!cgroup || !login_session_of(*cgroup) || !listener.cgroup) return {};
    return cgroup_id(*cgroup) == listener.cgroup;
}

}  // namespace

std::optional<Process> ssh_session_above(const Process& process) {
    auto above = process_of(process.parent);
    for (int i = 0; above && above->pid > 1 && i < generations_most; ++i) {
        if (is_ssh_session(*above) && above->uid == process.uid) return above;
        above = process_of(above->parent);
    }
    return {};
}

OwnSession own_session() {
    OwnSession session;
    const auto self = process_of(::getpid());
    const auto above = self ? ssh_session_above(*self) : std::nullopt;
    session.is_ssh = above.has_value();
    auto handle = ProcessHandle::open(above ? above->pid : ::getppid());
    if (handle) {
        session.process = *std::move(handle);
    } else {
        session.is_ssh = false;
    }
    if (above) session.age_s = age_s(*above);
    const auto* text = std::getenv("SSH_CONNECTION");
    if (text != nullptr) session.connection = parse_ssh_connection(text);
    return session;
}

Result<PortState> port_state(const SocketAddress& at, const OwnSession& session) {
    const auto all = listening_sockets();
    if (!all) return all.error();
    PortState state{PortOwner::Nobody, listening_at(*all, at)};
    if (state.listeners.empty()) return state;
    state.owner = PortOwner::Ours;
    for (const auto& listener : state.listeners) {
        if (listener.uid != ::geteuid() && ::geteuid() != 0) {
            state.owner = PortOwner::AnotherUser;
            break;
        }
        if (is_of_session(listener, session) == false) state.owner = PortOwner::AnotherSession;
    }
    return state;
}

}  // namespace relay
