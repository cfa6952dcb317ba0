// Control groups, version 2: cgroups(7). On machines with logind each login has a group of its own,
// user.slice/user-1000.slice/session-9.scope, and a socket is of the group it was made in.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace relay {

// The path that /proc/PID/cgroup tells for version 2, from a line "0::/path" between others.
std::optional<std::string> cgroup_in(std::string_view proc_cgroup);
// "9" of a path that ends in, or has on its way, session-9.scope.
std::optional<std::string> login_session_of(std::string_view cgroup);

// Of ourselves, as paths from the root of the hierarchy; nothing without version 2.
std::optional<std::string> own_cgroup();
// As sockets tell it: the inode of the group's folder.
std::optional<std::uint64_t> cgroup_id(const std::string& cgroup);
// Looks through the hierarchy for the group of this id. Groups come and go: it may be gone.
std::optional<std::string> cgroup_with(std::uint64_t id);
// Who is in it, without those in groups below.
std::vector<pid_t> processes_in(const std::string& cgroup);

}  // namespace relay
