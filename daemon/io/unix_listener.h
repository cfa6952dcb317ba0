// A listening Unix socket that has a file: made with the right owner from the first moment, taken
// over from a process that died, and never from one that lives.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"

namespace relay {

enum class UnixAccess { Group, Everybody };

struct UnixListenerOptions {
    std::string path;
    // Who may connect besides the socket's owner and root. Where there is no such group, or we may
    // not give the file to it, the socket is for its owner alone.
    std::string group = {};
    UnixAccess access = UnixAccess::Group;  // Everybody: all users of the machine may connect.
};

// The group of that name, if there is one. Asks the system's databases: only at start.
std::optional<gid_t> group_id_of(const std::string& name);

class UnixListener {
public:
    // The folder of the path is made if it is missing (0755). A socket file on which nobody answers
    // is removed; anything else that stands in the way is an error. `on_connection` gets connected
    // non-blocking sockets, and must not destroy the listener.
    static Result<std::unique_ptr<UnixListener>> open(Loop& loop,
                                                      const UnixListenerOptions& options,
                                                      std::function<void(UniqueFd)> on_connection);
    // Removes the file, if it is still ours.
    ~UnixListener();
    UnixListener(const UnixListener&) = delete;
    UnixListener& operator=(const UnixListener&) = delete;

    const std::string& path() const { return path_; }

private:
    struct Opened {
        UniqueFd lock;
        UniqueFd socket;
    };
    UnixListener(Loop& loop, std::string path, Opened opened,
                 std::function<void(UniqueFd)> on_connection);
    void accept_waiting();

    std::string path_;
    std::function<void(UniqueFd)> on_connection_;
    UniqueFd lock_;  // Held as long as we listen.
    ino_t inode_;    // Of the file we made.
    UvTimer retry_;
    Poll poll_;
};

// Who is at the other end of a Unix socket, by the kernel's word at the time it connected.
struct UnixPeer {
    uid_t uid = 0;
    pid_t pid = 0;
    std::vector<gid_t> groups;  // Primary and supplementary.
};

Result<UnixPeer> unix_peer_of(int socket);

}  // namespace relay
