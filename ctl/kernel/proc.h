// Processes as proc(5) shows them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace relay {

// At most 1 MiB of it: files under /proc and /sys, which tell no size.
std::optional<std::string> read_small_file(const std::string& path);
// "self/cgroup"
std::optional<std::string> read_proc(const std::string& path);

struct Process {
    pid_t pid = 0;
    pid_t parent = 0;
    uid_t uid = 0;                    // The effective one.
    std::string name = {};            // At most 15 bytes: "sshd".
    std::string command = {};         // Its arguments, spaces between them. May be anything.
    std::uint64_t started_ticks = 0;  // Since boot: with the pid, this one and no other process.
};

// From /proc/PID/stat: what comes after the name, which may have spaces and parentheses itself.
struct ProcStat {
    std::string name;
    pid_t parent = 0;
    std::uint64_t started_ticks = 0;
};
std::optional<ProcStat> parse_proc_stat(std::string_view text);

std::optional<Process> process_of(pid_t pid);
// All that may be seen: hidepid= may hide those of others.
std::vector<pid_t> all_processes();
// How long it runs.
double age_s(const Process& process);
std::optional<std::string> environment_of(pid_t pid, std::string_view name);

// Who has sockets open, by their inodes. Of processes that are not ours, and of those that changed
// their user (sshd's), only root may know: `hidden` counts them.
struct Holders {
    std::map<std::uint32_t, std::vector<pid_t>> pids = {};
    std::size_t hidden = 0;
};
Holders holders_of(const std::set<std::uint32_t>& inodes);
// The sockets that a process has open; nothing: it may not be looked into, or is gone.
std::optional<std::set<std::uint32_t>> sockets_of(pid_t pid);

// The sshd of a login session: not the one that accepts connections.
bool is_ssh_session(const Process& process);

}  // namespace relay
