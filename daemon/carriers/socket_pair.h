// Two ends of a byte stream inside this process: one for a carrier, as good as a connection, and
// one for whoever moves its bytes.
#pragma once

#include "common/base/result.h"
#include "daemon/io/unique_fd.h"

namespace relay {

struct SocketPair {
    UniqueFd carrier;
    UniqueFd near;
};

// Non-blocking. Holds little: what waits in it is not in the hands of the carrier's scheduler.
Result<SocketPair> make_socket_pair();

}  // namespace relay
