// The ports that relayd's forwards want and cannot have, and those that it knows to be watched.
#pragma once

#include <string>
#include <vector>

#include "common/base/probe_kind.h"
#include "common/control/snapshot.h"
#include "ctl/kernel/tcp_sockets.h"

namespace relay {

struct WantedPort {
    SocketAddress at;
    std::string by;  // "forward of work-pc", "watched for tun:3389"
    ProbeKind kind = ProbeKind::Auto;
    std::optional<ProbeSnapshot> watched = {};  // The last probe of who watches it.
};

struct WantedPorts {
    std::vector<WantedPort> ports = {};
    std::string note = {};  // Why not all are known; empty: they are.
};

// Asks the relayd behind this control socket; who may not use it is told of the own ports only.
WantedPorts wanted_ports(const std::string& control);

}  // namespace relay
