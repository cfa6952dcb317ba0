#include "ctl/stale/ssh_client.h"

#include <poll.h>

#include <algorithm>

#include "common/base/host_port.h"
#include "ctl/kernel/tcp_sockets.h"
#include "daemon/io/system_clock.h"

namespace relay {
namespace {

constexpr Duration patience = std::chrono::seconds{3};
constexpr int look_again_ms = 100;
constexpr std::uint32_t repeated = 2;  // A single one may be lost on a path that is well.

std::optional<TcpConnection> connection_from(const std::string& client) {
    const auto place = parse_host_port(client);
    const auto address = place ? parse_ip_address(place->host) : Result<IpAddress>{place.error()};
    const auto all = connections();
    if (!address || !all) return {};
    const auto found =
        std::ranges::find(*all, SocketAddress{*address, place->port}, &TcpConnection::remote);
    return found == all->end() ? std::nullopt : std::optional{*found};
}

}  // namespace

ClientState state_of_client(const std::string& client) {
    const auto connection = connection_from(client);
    if (!connection) return ClientState::Unknown;
    const auto until = now() + patience;
    do {
        const auto figures = figures_of(connection->local, connection->remote);
        if (!figures || !*figures) return ClientState::Unknown;
        if ((*figures)->unacked == 0) return ClientState::There;
        if ((*figures)->retransmits >= repeated) return ClientState::Gone;
        ::poll(nullptr, 0, look_again_ms);
    } while (now() < until);
    return ClientState::Unknown;
}

}  // namespace relay
