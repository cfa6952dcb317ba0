// Who may connect to a unix socket: the mode and the group of its file.
#pragma once

#include "common/base/result.h"
#include "daemon/io/socket_file.h"

namespace relay {

// Also of a socket that listens there already.
Status give_access(const SocketFileOptions& options);

}  // namespace relay
