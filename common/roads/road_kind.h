// The roads that may lead to a relay: what carries the bytes, and whether a proxy is in between.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace relay {

// The better the smaller.
enum class RoadKind : std::uint8_t {
    Written,         // What the endpoint says, by a proxy or not as the settings say; alone.
    UpgradeDirect,   // A WebSocket, straight to the relay;
    UpgradeByProxy,  // through the proxy.
    PollDirect,      // Plain GET and POST, straight;
    PollByProxy,     // through the proxy.
};

// Who is spoken to first: the same for two roads means that what is not reached by one is not
// reached by the other.
enum class FirstHop { Relay, Proxy, Unknown };

struct FirstHops {
    bool relay = true;
    bool proxy = false;
};

using Roads = std::vector<RoadKind>;

// Best first.
Roads roads_by(FirstHops hops);
FirstHop first_hop_of(RoadKind road);
bool is_poll(RoadKind road);

// "written", "wss", "wss-proxy", "poll", "poll-proxy": as files have them.
std::string_view name_of(RoadKind road);
std::optional<RoadKind> road_named(std::string_view name);

}  // namespace relay
