// Whether the client of an ssh session is still there, as TCP knows it: struct tcp_info of
// <linux/tcp.h>.
#pragma once

#include <string>

namespace relay {

enum class ClientState {
    There,    // All that was sent to it has arrived.
    Gone,     // What was sent is sent again and again, and nobody confirms it.
    Unknown,  // No such connection, or it cannot be told yet.
};

// `client` is ADDRESS:PORT; to be asked after something was sent to it. Waits up to 3 s.
ClientState state_of_client(const std::string& client);

}  // namespace relay
