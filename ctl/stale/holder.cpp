#include "ctl/stale/holder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "ctl/kernel/cgroup.h"
#include "ctl/kernel/ssh_connection.h"

namespace relay {
namespace {

// The environment of whatever runs in the session tells it to its owner; of a session where nothing
// runs, root may look at its sockets.
std::string client_of(const Process& process) {
    if (!is_ssh_session(process)) return {};
    for (const pid_t pid : all_processes()) {
        const auto child = process_of(pid);
        if (!child || child->parent != process.pid) continue;
        const auto text = environment_of(pid, "SSH_CONNECTION");
        const auto connection = text ? parse_ssh_connection(*text) : std::nullopt;
        if (connection) return to_text(connection->client);
    }
    const auto sockets = sockets_of(process.pid);
    const auto all = connections();
    if (!sockets || !all) return {};
    for (const auto& each : *all) {
        if (sockets->contains(each.inode) && !each.remote.address.is_loopback()) {
            return to_text(each.remote);
        }
    }
    return {};
}

std::string login_of(pid_t pid) {
    const auto groups = read_proc(std::to_string(pid) + "/cgroup");
    const auto path = groups ? cgroup_in(*groups) : std::nullopt;
    return path ? login_session_of(*path).value_or("") : "";
}

Holder holder_of(const Process& process, Evidence evidence) {
    return {process, evidence, client_of(process), login_of(process.pid)};
}

// The sshd of the caller in the group of the socket, if that group is a login session: no other
// group says which of its processes has the socket.
std::vector<Process> sessions_in(const std::string& cgroup) {
    std::vector<Process> found;
    for (const pid_t pid : processes_in(cgroup)) {
        const auto process = process_of(pid);
        if (process && process->uid == ::geteuid() && is_ssh_session(*process)) {
            found.push_back(*process);
        }
    }
    return found;
}

void search_login(const TcpListening& listener, HolderSearch& search) {
    if (listener.uid != ::geteuid() && ::geteuid() != 0) {
        search.unseen = "it belongs to another user: only root can see more";
        return;
    }
    const auto cgroup = listener.cgroup ? cgroup_with(*listener.cgroup) : std::nullopt;
    if (!cgroup || !login_session_of(*cgroup)) {
        search.unseen = "no login session that it belongs to is known: only root can see more";
        return;
    }
    for (const auto& process : sessions_in(*cgroup)) {
        search.holders.push_back(holder_of(process, Evidence::LoginSession));
    }
    if (search.holders.empty()) {
        search.unseen =
            fmt::format("login session {} has no ssh process of yours", *login_session_of(*cgroup));
    }
}

}  // namespace

std::vector<HolderSearch> find_holders(const std::vector<TcpListening>& listeners) {
    std::set<std::uint32_t> inodes;
    for (const auto& listener : listeners) inodes.insert(listener.inode);
    const auto known = holders_of(inodes);
    std::vector<HolderSearch> result;
    for (const auto& listener : listeners) {
        auto& search = result.emplace_back();
        const auto pids = known.pids.find(listener.inode);
        if (pids != known.pids.end()) {
            for (const pid_t pid : pids->second) {
                const auto process = process_of(pid);
                if (process) search.holders.push_back(holder_of(*process, Evidence::Descriptor));
            }
        }
        if (!search.holders.empty()) continue;
        if (known.hidden > 0) {
            search_login(listener, search);
        } else {
            search.unseen = "no process has it open";
        }
    }
    return result;
}

bool still_holds(const Holder& holder, const TcpListening& listener) {
    const auto process = process_of(holder.process.pid);
    if (!process || process->started_ticks != holder.process.started_ticks) return false;
    if (holder.evidence == Evidence::Descriptor) {
        const auto sockets = sockets_of(process->pid);
        return sockets && sockets->contains(listener.inode);
    }
    const auto listeners = listening_sockets();
    if (!listeners ||
        std::ranges::find(*listeners, listener.inode, &TcpListening::inode) == listeners->end()) {
        return false;
    }
    const auto cgroup = listener.cgroup ? cgroup_with(*listener.cgroup) : std::nullopt;
    if (!cgroup) return false;
    return std::ranges::count(processes_in(*cgroup), process->pid) > 0;
}

}  // namespace relay
