// Former sessions of the same user that watch or hold a port, ended by the user's own right.
#pragma once

#include <cstdint>
#include <string>

#include "ctl/watching/own_session.h"

namespace relay {

// What the process that watches a port is called, for others to find it: "relayctl:3389".
std::string watcher_name(std::uint16_t port);

enum class Which { OlderThanUs, All };

// Ends the ssh sessions in which others of our user watch this port, except for our own session.
// How many have ended.
std::size_t end_watchers(std::uint16_t port, const OwnSession& own, Which which);
// Ends the ssh sessions, not our own, that are known to have these listeners.
std::size_t end_holders(const std::vector<TcpListening>& listeners, const OwnSession& own);

}  // namespace relay
