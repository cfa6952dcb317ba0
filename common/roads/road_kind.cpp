#include "common/roads/road_kind.h"

#include "common/base/check.h"

namespace relay {

Roads roads_by(FirstHops hops) {
    Roads roads;
    for (const RoadKind road : {RoadKind::UpgradeDirect, RoadKind::UpgradeByProxy,
                                RoadKind::PollDirect, RoadKind::PollByProxy}) {
        if (first_hop_of(road) == FirstHop::Proxy ? hops.proxy : hops.relay) roads.push_back(road);
    }
    return roads;
}

FirstHop first_hop_of(RoadKind road) {
    switch (road) {
        case RoadKind::Written: return FirstHop::Unknown;
        case RoadKind::UpgradeDirect:
        case RoadKind::PollDirect: return FirstHop::Relay;
        case RoadKind::UpgradeByProxy:
        case RoadKind::PollByProxy: return FirstHop::Proxy;
    }
    unreachable();
}

bool is_poll(RoadKind road) {
    return road == RoadKind::PollDirect || road == RoadKind::PollByProxy;
}

std::string_view name_of(RoadKind road) {
    switch (road) {
        case RoadKind::Written: return "written";
        case RoadKind::UpgradeDirect: return "wss";
        case RoadKind::UpgradeByProxy: return "wss-proxy";
        case RoadKind::PollDirect: return "poll";
        case RoadKind::PollByProxy: return "poll-proxy";
    }
    unreachable();
}

std::optional<RoadKind> road_named(std::string_view name) {
    for (const RoadKind road :
         {RoadKind::Written, RoadKind::UpgradeDirect, RoadKind::UpgradeByProxy,
          RoadKind::PollDirect, RoadKind::PollByProxy}) {
        if (name_of(road) == name) return road;
    }
    return std::nullopt;
}

}  // namespace relay
