#include "daemon/io/socket_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/check.h"
#include "daemon/io/socket_file_access.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/io/unix_listener.h"

namespace relay {

namespace {

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

UniqueFd unix_socket(int type) {
    return UniqueFd{socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

// 0: somebody listens there; else why not.
int error_of_connecting(const std::string& path, int type) {
    const sockaddr_un address = unix_address(path);
    const UniqueFd probe = unix_socket(type);
    if (!probe) return errno;
    if (connect(probe.get(), generic(address), sizeof address) == 0) return 0;
    // Of another type than ours, or too busy: somebody is there.
    return errno == EPROTOTYPE || errno == EAGAIN ? 0 : errno;
}

std::string folder_of(const std::string& path) {
    return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

Error failed(const std::string& path, const std::string& why) {
    return Error{ErrorCode::System, "cannot listen on unix:" + path + ": " + why};
}

Error failed(const std::string& path, int error) {
    if (error == ENOENT || error == ENOTDIR) {
        return failed(path, "there is no folder " + folder_of(path));
    }
    if (error == EROFS || error == EACCES) {
        return failed(path, error_text(error) + " (relayd must be allowed to write in " +
                                folder_of(path) +
                                ", and under systemd ReadWritePaths= must have it)");
    }
    return failed(path, error_text(error));
}

// Asked by a socket of another type, so that whoever listens there hears nothing of it.
Status remove_if_nobody_listens(const std::string& path) {
    struct stat file {};
    if (lstat(path.c_str(), &file) != 0) {
        return errno == ENOENT ? Status{Done{}} : failed(path, errno);
    }
    if (!S_ISSOCK(file.st_mode)) {
        return Error{ErrorCode::AlreadyExists,
                     "cannot listen on unix:" + path + ": it exists, and is no socket"};
    }
    const int error = error_of_connecting(path, SOCK_DGRAM);
    if (error == 0) {
        return Error{ErrorCode::AlreadyExists,
                     "cannot listen on unix:" + path + ": another program listens there"};
    }
    if (error != ECONNREFUSED) {
        return failed(path, "cannot tell whether somebody listens there: " + error_text(error));
    }
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return failed(path, errno);
    return Done{};
}

}  // namespace

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    check(!path.empty() && path.size() < sizeof address.sun_path);
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

// The file itself, whatever somebody puts in its place meanwhile.
Status give_access(const SocketFileOptions& options) {
    const UniqueFd file{open(options.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    struct stat facts {};
    if (!file || fstat(file.get(), &facts) != 0) return failed(options.path, errno);
    if (!S_ISSOCK(facts.st_mode)) return failed(options.path, "its file was replaced");
    if (!options.group.empty()) {
        const auto group = group_id_of(options.group);
        if (!group) return failed(options.path, "there is no group " + options.group);
        if (facts.st_gid != *group &&
            fchownat(file.get(), "", static_cast<uid_t>(-1), *group, AT_EMPTY_PATH) != 0) {
            return failed(options.path, "cannot give it to the group " + options.group + ": " +
                                            error_text(errno) + " (relayd must be a member)");
        }
    }
    const std::string same = "/proc/self/fd/" + std::to_string(file.get());
    if (chmod(same.c_str(), options.mode) != 0) return failed(options.path, errno);
    return Done{};
}

// Nobody can connect before listen(), so the file has its owner and mode by then; and none but us
// has any right to it from its birth.
Result<UniqueFd> listen_on_file(const SocketFileOptions& options, int backlog) {
    if (const auto free = remove_if_nobody_listens(options.path); !free) return free.error();
    UniqueFd fd = unix_socket(SOCK_STREAM);
    if (!fd) return failed(options.path, errno);
    (void)fchmod(fd.get(), 0600);  // bind() makes the file with what the socket has.
    const sockaddr_un address = unix_address(options.path);
    if (bind(fd.get(), generic(address), sizeof address) != 0) return failed(options.path, errno);
    if (const auto given = give_access(options); !given) {
        unlink(options.path.c_str());
        return given.error();
    }
    if (listen(fd.get(), backlog) != 0) {
        const int error = errno;
        unlink(options.path.c_str());
        return failed(options.path, error);
    }
    return fd;
}

FileId socket_file_at(const std::string& path) {
    struct stat file {};
    if (lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return {};
    return {file.st_dev, file.st_ino};
}

void remove_socket_file(const std::string& path, const FileId& id) {
    if (id.inode != 0 && socket_file_at(path) == id) unlink(path.c_str());
}

void remove_dead_socket_file(const std::string& path) {
    const FileId id = socket_file_at(path);
    if (error_of_connecting(path, SOCK_STREAM) == ECONNREFUSED) remove_socket_file(path, id);
}

}  // namespace relay
