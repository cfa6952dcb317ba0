// Which port is meant, as an operator writes it.
#pragma once

#include <string>

#include "common/base/result.h"
#include "ctl/kernel/tcp_sockets.h"

namespace relay {

// "3389": on any address; "127.0.0.1:3389", "[::1]:3389".
Result<SocketAddress> parse_stale_place(const std::string& text);

}  // namespace relay
