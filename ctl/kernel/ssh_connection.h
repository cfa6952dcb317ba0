// The ssh session that a command runs in: ssh(1), ENVIRONMENT.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ctl/kernel/tcp_sockets.h"

namespace relay {

struct SshConnection {
    SocketAddress client;
    SocketAddress server;
};

// SSH_CONNECTION: "CLIENT PORT SERVER PORT". IPv6 addresses may have a zone, which is dropped.
std::optional<SshConnection> parse_ssh_connection(std::string_view text);

// "10.0.0.1:22", "[::1]:22"
std::string to_text(const SocketAddress& address);

}  // namespace relay
