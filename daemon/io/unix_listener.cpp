#include "daemon/io/unix_listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

namespace relay {
namespace {

constexpr int backlog = 64;
// Connections taken in one go, so that a flood of them leaves the loop time for others.
constexpr int accepts_per_wakeup = 16;
constexpr Duration retry_after = std::chrono::milliseconds{200};

Error system_error(const std::string& what, int error) {
    return Error{ErrorCode::System, what + ": " + std::strerror(error)};
}

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return Error{ErrorCode::TooLarge, fmt::format("socket path \"{}\" must have 1 to {} bytes",
                                                      path, sizeof address.sun_path - 1)};
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

UniqueFd unix_socket() {
    return UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

std::optional<ino_t> inode_of(const std::string& path) {
    struct stat file {};
    return ::lstat(path.c_str(), &file) == 0 ? std::optional{file.st_ino} : std::nullopt;
}

Status make_folder_of(const std::string& path) {
    const auto folder = std::filesystem::path{path}.parent_path();
    std::error_code error;
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    if (error) return system_error("cannot make the folder " + folder.string(), error.value());
    return Done{};
}

// PATH.lock, locked: of several processes that start at once, one may judge and replace what lies
// at the path. A file of its own, as whoever can read a folder could lock that for ever.
Result<UniqueFd> lock_beside(const std::string& path) {
    const auto name = path + ".lock";
    for (int attempt = 0; attempt < 10; ++attempt) {
        UniqueFd lock{::open(name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
        if (!lock) return system_error("cannot open " + name, errno);
        if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
            return Error{ErrorCode::AlreadyExists,
                         "another relayd holds " + name + "; stop it, or use another --control"};
        }
        // It may have been removed by its last holder before we had it.
        struct stat held {};
        if (::fstat(lock.get(), &held) == 0 && inode_of(name) == held.st_ino) return lock;
    }
    return Error{ErrorCode::System, "cannot lock " + name};
}

Status remove_if_nobody_answers(const std::string& path, const sockaddr_un& address) {
    struct stat file {};
    if (::lstat(path.c_str(), &file) != 0) {
        return errno == ENOENT ? Status{Done{}} : system_error("cannot look at " + path, errno);
    }
    if (!S_ISSOCK(file.st_mode)) {
        return Error{ErrorCode::AlreadyExists, path + " exists and is not a socket"};
    }
    const auto probe = unix_socket();
    if (!probe) return system_error("socket", errno);
    if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN) {
        return Error{ErrorCode::AlreadyExists,
                     "another program answers on " + path + "; stop it, or use another --control"};
    }
    if (errno != ECONNREFUSED) return system_error("cannot tell who listens on " + path, errno);
    if (::unlink(path.c_str()) != 0) return system_error("cannot remove the stale " + path, errno);
    return Done{};
}

// Nobody can connect before listen(), so the file has its final owner and mode by then.
Result<UniqueFd> listening_socket(const UnixListenerOptions& options, const sockaddr_un& address) {
    auto socket = unix_socket();
    const auto* path = options.path.c_str();
    if (!socket) return system_error("socket", errno);
    if (::bind(socket.get(), generic(address), sizeof address) != 0) {
        return system_error("cannot make the socket " + options.path, errno);
    }
    const auto group = group_id_of(options.group);
    // A file that is the group's by birth is left alone: a sandbox may forbid chown().
    struct stat file {};
    const bool born_shared = group && ::stat(path, &file) == 0 && file.st_gid == *group;
    const bool shared =
        born_shared || (group && ::chown(path, static_cast<uid_t>(-1), *group) == 0);
    const bool is_open = options.access == UnixAccess::Everybody;
    if (::chmod(path, is_open  ? 0666
                      : shared ? 0660
                               : 0600) != 0 ||
        ::listen(socket.get(), backlog) != 0) {
        const int error = errno;
        ::unlink(path);
        return system_error("cannot listen on " + options.path, error);
    }
    return socket;
}

}  // namespace

Result<std::unique_ptr<UnixListener>> UnixListener::open(
    Loop& loop, const UnixListenerOptions& options, std::function<void(UniqueFd)> on_connection) {
    const auto address = address_of(options.path);
    if (!address) return address.error();
    if (const auto made = make_folder_of(options.path); !made) return made.error();
    auto lock = lock_beside(options.path);
    if (!lock) return lock.error();
    if (const auto free = remove_if_nobody_answers(options.path, *address); !free) {
        return free.error();
    }
    auto socket = listening_socket(options, *address);
    if (!socket) return socket.error();
    return std::unique_ptr<UnixListener>{new UnixListener{
        loop, options.path, {*std::move(lock), *std::move(socket)}, std::move(on_connection)}};
}

UnixListener::UnixListener(Loop& loop, std::string path, Opened opened,
                           std::function<void(UniqueFd)> on_connection)
    : path_(std::move(path)),
      on_connection_(std::move(on_connection)),
      lock_(std::move(opened.lock)),
      inode_(inode_of(path_).value_or(0)),
      retry_(loop, [this] { poll_.set_interest({.readable = true}); }),
      poll_(loop, std::move(opened.socket), [this](PollEvents) { accept_waiting(); }) {
    poll_.set_interest({.readable = true});
}

UnixListener::~UnixListener() {
    if (inode_of(path_) == inode_) ::unlink(path_.c_str());
    ::unlink((path_ + ".lock").c_str());  // While we still hold it.
}

void UnixListener::accept_waiting() {
    for (int i = 0; i < accepts_per_wakeup; ++i) {
        UniqueFd socket{::accept4(poll_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (socket) {
            on_connection_(std::move(socket));
        } else if (errno != EINTR && errno != ECONNABORTED) {
            // Without a free descriptor the socket stays readable: wait rather than spin.
            if (errno == EAGAIN) return;
            poll_.set_interest({});
            return retry_.arm(retry_after);
        }
    }
}

std::optional<gid_t> group_id_of(const std::string& name) {
    if (name.empty()) return {};
    std::vector<char> memory(std::size_t{64} << 10);
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found) != 0 || !found) {
        return {};
    }
    return found->gr_gid;
}

Result<UnixPeer> unix_peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return system_error("SO_PEERCRED", errno);
    }
    UnixPeer peer{credentials.uid, credentials.pid, {}};
    peer.groups.resize(64);
    // The kernel says how much room it needs when there is too little.
    for (int attempt = 0; attempt < 2; ++attempt) {
        size = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
        const int result =
            ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size);
        if (result != 0 && errno != ERANGE) size = 0;  // A kernel without it: the primary alone.
        peer.groups.resize(size / sizeof(gid_t));
        if (result == 0 || size == 0) break;
    }
    peer.groups.push_back(credentials.gid);
    return peer;
}

}  // namespace relay
