#include "ctl/doctor/who_holds.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "common/base/host_port.h"
#include "common/base/ip_address.h"
#include "ctl/stale/holder.h"

namespace relay {
namespace {

// The subject of a forward's checks begins with where it listens.
std::optional<SocketAddress> listener_of(const CheckSnapshot& check) {
    const auto listen = parse_host_port(check.subject.substr(0, check.subject.find(' ')));
    if (!listen) return std::nullopt;
    const auto address = parse_ip_address(listen->host);
    if (!address) return std::nullopt;
    return SocketAddress{*address, listen->port};
}

}  // namespace

void name_holders(std::vector<CheckSnapshot>& checks) {
    std::optional<std::vector<TcpListening>> all;  // Asked for once, and only if somebody wants it.
    for (auto& check : checks) {
        if (check.hop != "listener" || check.state != "broken") continue;
        const auto at = listener_of(check);
        if (!at) continue;
        if (!all) {
            auto found = listening_sockets();
            if (!found) return;  // It is one fact less.
            all = *std::move(found);
        }
        for (const auto& search : find_holders(listening_at(*all, *at))) {
            for (const auto& holder : search.holders) {
                check.text +=
                    fmt::format("; {} (pid {}) has it", holder.process.name, holder.process.pid);
            }
        }
    }
}

}  // namespace relay
