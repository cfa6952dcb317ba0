// The file of a unix socket: taken over when nobody answers there, and never when somebody does.
#pragma once

#include <sys/types.h>
#include <sys/un.h>

#include <string>

#include "common/base/result.h"
#include "daemon/io/unique_fd.h"

namespace relay {

struct SocketFileOptions {
    std::string path;  // Absolute, and short enough for sockaddr_un.
    unsigned mode = 0660;
    std::string group;  // Empty: whose it is by birth.
};

// The path must fit.
sockaddr_un unix_address(const std::string& path);

// A socket that listens there, non-blocking. Errors have the path and the system's words;
// AlreadyExists: somebody answers there, or it is no socket.
Result<UniqueFd> listen_on_file(const SocketFileOptions& options, int backlog);

// Which file it is, whatever it is called later.
struct FileId {
    dev_t device = 0;
    ino_t inode = 0;  // 0: there is none.

    bool operator==(const FileId&) const = default;
};
FileId socket_file_at(const std::string& path);

// Of a socket that does not listen any more: by its id, or if nobody answers there.
void remove_socket_file(const std::string& path, const FileId& id);
void remove_dead_socket_file(const std::string& path);

}  // namespace relay
