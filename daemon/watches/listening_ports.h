// Who listens on TCP ports of this machine, as proc(5), /proc/net/tcp, tells: within a sandbox that
// has no netlink.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/ip_address.h"
#include "common/base/result.h"

namespace relay {

struct ListeningPort {
    IpAddress address;
    std::uint16_t port = 0;
    uid_t uid = 0;  // Of who made the listener.
    std::uint64_t inode = 0;
};

// One line of /proc/net/tcp or tcp6, if it is of a listener.
std::optional<ListeningPort> parse_listening_line(std::string_view line);

Result<std::vector<ListeningPort>> all_listening();
// Those that get who dials this address: bound to it, or to every address of its family or both.
Result<std::vector<ListeningPort>> listening_on(const IpAddress& address, std::uint16_t port);

}  // namespace relay
