#include "ctl/watching/predecessors.h"

#include <unistd.h>

#include <tuple>

#include "ctl/stale/holder.h"

namespace relay {
namespace {

bool is_older(const Process& process, const Process& than) {
    return std::tie(process.started_ticks, process.pid) < std::tie(than.started_ticks, than.pid);
}

bool is_same(const Process& process, const std::optional<Process>& later) {
    return later && later->pid == process.pid && later->started_ticks == process.started_ticks;
}

// Whether it has ended by this.
bool end_session_of(const Process& watcher, pid_t own_session) {
    const auto session = ssh_session_above(watcher);
    if (!session || session->pid == own_session) return false;
    const auto handle = ProcessHandle::open(session->pid);
    // From here on the handle means what is looked at now: still the watcher's session?
    if (!handle || !is_same(*session, process_of(session->pid)) ||
        !is_same(watcher, process_of(watcher.pid))) {
        return false;
    }
    const auto ended = end_process(*handle);
    return ended && *ended != Ended::Already;
}

}  // namespace

std::string watcher_name(std::uint16_t port) {
    return "relayctl:" + std::to_string(port);  // At most 15 bytes, as the kernel has it.
}

std::size_t end_watchers(std::uint16_t port, const OwnSession& own, Which which) {
    const auto self = process_of(::getpid());
    if (!self) return 0;
    const pid_t own_pid = own.process ? own.process->pid() : 0;
    std::size_t count = 0;
    for (const pid_t pid : all_processes()) {
        const auto process = process_of(pid);
        if (!process || pid == self->pid || process->uid != self->uid ||
            process->name != watcher_name(port)) {
            continue;
        }
        if (which == Which::OlderThanUs && !is_older(*process, *self)) continue;
        if (end_session_of(*process, own_pid)) ++count;
    }
    return count;
}

std::size_t end_holders(const std::vector<TcpListening>& listeners, const OwnSession& own) {
    const auto searches = find_holders(listeners);
    std::size_t count = 0;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        for (const auto& holder : searches[i].holders) {
            const auto& process = holder.process;
            const bool is_own = own.process && own.process->pid() == process.pid;
            if (is_own || !is_ssh_session(process)) continue;
            const auto handle = ProcessHandle::open(process.pid);
            if (!handle || !still_holds(holder, listeners[i])) continue;
            const auto ended = end_process(*handle);
            if (ended && *ended != Ended::Already) ++count;
        }
    }
    return count;
}

}  // namespace relay
