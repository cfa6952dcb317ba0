#include "ctl/kernel/cgroup.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "common/base/text.h"
#include "ctl/kernel/proc.h"

namespace relay {
namespace {

constexpr std::size_t groups_most = 100'000;  // Looked at in one search.

// Where version 2 is mounted: alone, or beside version 1.
const std::string& hierarchy() {
    static const std::string root = [] {
        const auto mounts = read_proc("self/mounts").value_or("");
        for (const auto line : split(mounts, '\n')) {
            const auto fields = split(line, ' ');
            if (fields.size() > 2 && fields[2] == "cgroup2") return std::string{fields[1]};
        }
        return std::string{};
    }();
    return root;
}

std::optional<std::uint64_t> inode_of(const std::string& path) {
    struct stat folder {};
    if (::stat(path.c_str(), &folder) != 0) return {};
    return folder.st_ino;
}

}  // namespace

std::optional<std::string> cgroup_in(std::string_view proc_cgroup) {
    for (const auto line : split(proc_cgroup, '\n')) {
        if (line.starts_with("0::/")) return std::string{line.substr(3)};
    }
    return {};
}

std::optional<std::string> login_session_of(std::string_view cgroup) {
    constexpr std::string_view before = "session-", after = ".scope";
    for (const auto part : split(cgroup, '/')) {
        if (!part.starts_with(before) || !part.ends_with(after)) continue;
        const auto id = part.substr(before.size(), part.size() - before.size() - after.size());
        if (!id.empty()) return std::string{id};
    }
    return {};
}

std::optional<std::string> own_cgroup() {
    const auto text = read_proc("self/cgroup");
    if (!text || hierarchy().empty()) return {};
    return cgroup_in(*text);
}

std::optional<std::uint64_t> cgroup_id(const std::string& cgroup) {
    return hierarchy().empty() ? std::nullopt : inode_of(hierarchy() + cgroup);
}

std::optional<std::string> cgroup_with(std::uint64_t id) {
    namespace fs = std::filesystem;
    if (hierarchy().empty()) return {};
    if (inode_of(hierarchy()) == id) return "/";
    std::error_code error;
    fs::recursive_directory_iterator each{hierarchy(),
                                          fs::directory_options::skip_permission_denied, error};
    std::size_t seen = 0;
    for (; !error && each != fs::recursive_directory_iterator{}; each.increment(error)) {
        std::error_code ignored;
        if (!each->is_directory(ignored)) continue;
        if (++seen > groups_most) return {};
        if (inode_of(each->path()) == id) return each->path().string().substr(hierarchy().size());
    }
    return {};
}

std::vector<pid_t> processes_in(const std::string& cgroup) {
    std::vector<pid_t> found;
    const auto text = read_small_file(hierarchy() + cgroup + "/cgroup.procs");
    for (const auto line : split(text.value_or(""), '\n')) {
        const auto pid = parse_number(line, INT32_MAX);
        if (pid && *pid > 0) found.push_back(static_cast<pid_t>(*pid));
    }
    return found;
}

}  // namespace relay
