#include "ctl/kernel/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "common/base/text.h"
#include "daemon/io/unique_fd.h"

namespace relay {
namespace {

constexpr std::size_t file_most = std::size_t{1} << 20;
constexpr std::size_t command_most = 512;

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

std::optional<std::int64_t> number(std::string_view text) {
    const auto value = parse_number(text, INT64_MAX);
    return value ? std::optional{static_cast<std::int64_t>(*value)} : std::nullopt;
}

std::string folder_of(pid_t pid) {
    return "/proc/" + std::to_string(pid);
}

// "socket:[4711]"
std::optional<std::uint32_t> inode_in(std::string_view link) {
    constexpr std::string_view before = "socket:[";
    if (!link.starts_with(before) || !link.ends_with(']')) return {};
    const auto inode =
        parse_number(link.substr(before.size(), link.size() - before.size() - 1), UINT32_MAX);
    return inode ? std::optional{static_cast<std::uint32_t>(*inode)} : std::nullopt;
}

std::string command_of(pid_t pid) {
    auto text = read_small_file(folder_of(pid) + "/cmdline").value_or("");
    std::ranges::replace(text, '\0', ' ');
    text = std::string{trim(text)};
    if (text.size() > command_most) text.resize(command_most);
    return text;
}

}  // namespace

std::optional<std::string> read_small_file(const std::string& path) {
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return {};
    std::string text;
    std::array<char, 16384> part;
    while (text.size() < file_most) {
        const auto size = ::read(file.get(), part.data(), part.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return {};
        if (size == 0) break;
        text.append(part.data(), static_cast<std::size_t>(size));
    }
    return text;
}

std::optional<std::string> read_proc(const std::string& path) {
    return read_small_file("/proc/" + path);
}

std::optional<ProcStat> parse_proc_stat(std::string_view text) {
    const auto open = text.find('('), close = text.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open)
        return {};
    const auto fields = split(trim(text.substr(close + 1)), ' ');
    // State, parent, … and as the 22nd of all fields the start.
    constexpr std::size_t parent_at = 1, started_at = 19;
    if (fields.size() <= started_at) return {};
    const auto parent = number(fields[parent_at]), started = number(fields[started_at]);
    if (!parent || *parent > INT32_MAX || !started) return {};
    return ProcStat{std::string{text.substr(open + 1, close - open - 1)},
                    static_cast<pid_t>(*parent), static_cast<std::uint64_t>(*started)};
}

std::optional<Process> process_of(pid_t pid) {
    const auto text = read_small_file(folder_of(pid) + "/stat");
    if (!text) return {};
    const auto stat = parse_proc_stat(*text);
    if (!stat) return {};
    Process process{pid, stat->parent, 0, stat->name, command_of(pid), stat->started_ticks};
    // The folder's owner is root for those that may not be looked into: ask the status.
    const auto status = read_small_file(folder_of(pid) + "/status").value_or("");
    for (const auto line : split(status, '\n')) {
        if (!line.starts_with("Uid:\t")) continue;
        const auto ids = split(line.substr(5), '\t');
        const auto uid = ids.size() > 1 ? number(ids[1]) : std::nullopt;
        if (!uid) return {};
        process.uid = static_cast<uid_t>(*uid);
        return process;
    }
    return {};
}

std::vector<pid_t> all_processes() {
    std::vector<pid_t> found;
    const Folder folder{::opendir("/proc")};
    if (!folder) return found;
    while (const auto* entry = ::readdir(folder.get())) {
        const auto pid = parse_number(entry->d_name, INT32_MAX);
        if (pid && *pid > 0) found.push_back(static_cast<pid_t>(*pid));
    }
    return found;
}

double age_s(const Process& process) {
    // "12345.67 …"
    const auto uptime = read_proc("uptime").value_or("");
    const auto point = uptime.find('.');
    const auto seconds = number(uptime.substr(0, point));
    if (!seconds || point == std::string::npos) return 0;
    const auto hundredths = number(uptime.substr(point + 1, 2)).value_or(0);
    const auto started_s =
        static_cast<double>(process.started_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    return std::max(0.0, static_cast<double>(*seconds * 100 + hundredths) / 100 - started_s);
}

std::optional<std::string> environment_of(pid_t pid, std::string_view name) {
    const auto text = read_small_file(folder_of(pid) + "/environ");
    if (!text) return {};
    const auto start = std::string{name} + "=";
    for (const auto entry : split(*text, '\0')) {
        if (entry.starts_with(start)) return std::string{entry.substr(start.size())};
    }
    return {};
}

Holders holders_of(const std::set<std::uint32_t>& inodes) {
    Holders holders;
    for (const pid_t pid : all_processes()) {
        const auto sockets = sockets_of(pid);
        if (!sockets) {
            ++holders.hidden;
            continue;
        }
        for (const auto inode : *sockets) {
            if (inodes.contains(inode)) holders.pids[inode].push_back(pid);
        }
    }
    return holders;
}

std::optional<std::set<std::uint32_t>> sockets_of(pid_t pid) {
    const Folder folder{::opendir((folder_of(pid) + "/fd").c_str())};
    if (!folder) return {};
    std::set<std::uint32_t> found;
    std::array<char, 64> target;
    while (const auto* entry = ::readdir(folder.get())) {
        const auto size =
            ::readlinkat(::dirfd(folder.get()), entry->d_name, target.data(), target.size());
        if (size <= 0) continue;
        const auto inode = inode_in({target.data(), static_cast<std::size_t>(size)});
        if (inode) found.insert(*inode);
    }
    return found;
}

bool is_ssh_session(const Process& process) {
    // Since OpenSSH 9.8 sessions have a program of their own. Before, the listening one alone calls
    // itself "sshd: /usr/sbin/sshd -D [listener] …".
    if (process.name == "sshd-session") return true;
    return process.name == "sshd" && process.command.starts_with("sshd: ") &&
           process.command.find("[listener]") == std::string::npos;
}

}  // namespace relay
