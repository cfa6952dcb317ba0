// TCP sockets of this network namespace as the kernel knows them, whoever has them: sock_diag(7),
// <linux/inet_diag.h>. Needs no privilege. SOCK_DESTROY is not used: sshd whose listener is
// destroyed spins in accept().
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/ip_address.h"
#include "common/base/result.h"

namespace relay {

struct SocketAddress {
    IpAddress address;
    std::uint16_t port = 0;

    auto operator<=>(const SocketAddress&) const = default;
};

struct TcpListening {
    SocketAddress at;
    std::uint32_t inode = 0;
    std::uint32_t uid = 0;                     // Of who made it.
    std::optional<std::uint64_t> cgroup = {};  // Kernels since 5.9, with cgroup v2.
};

// What two ends have: as struct tcp_info of <linux/tcp.h>.
struct TcpFigures {
    std::uint64_t bytes_acked = 0;  // Sent, and known to have arrived.
    std::uint64_t bytes_received = 0;
    double rtt_ms = 0;
    std::uint32_t unacked = 0;      // Segments on their way.
    std::uint32_t retransmits = 0;  // Of the first of them, so far.
};

// Both families, in the order of the kernel's tables.
Result<std::vector<TcpListening>> listening_sockets();
// Those of them that get who dials `at`: with this very address, or with every address of its
// family; an unspecified address, 0.0.0.0 or ::, asks for all of this port.
std::vector<TcpListening> listening_at(const std::vector<TcpListening>& all,
                                       const SocketAddress& at);

struct TcpConnection {
    SocketAddress local;
    SocketAddress remote;
    std::uint32_t inode = 0;
};
// Those that are established.
Result<std::vector<TcpConnection>> connections();
// Nothing: there is no such connection.
Result<std::optional<TcpFigures>> figures_of(const SocketAddress& local,
                                             const SocketAddress& remote);

}  // namespace relay
