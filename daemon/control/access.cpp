#include "daemon/control/access.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace relay {

ControlAccess::ControlAccess(std::string group)
    : group_(std::move(group)), group_id_(group_id_of(group_)), own_uid_(::geteuid()) {}

std::optional<std::string> ControlAccess::refusal_of(const UnixPeer& peer) const {
    if (peer.uid == 0 || peer.uid == own_uid_) return {};
    if (group_id_ && std::ranges::find(peer.groups, *group_id_) != peer.groups.end()) return {};
    if (!group_id_) {
        return fmt::format("uid {} may not use relayd; root and uid {} may", peer.uid, own_uid_);
    }
    return fmt::format("uid {} may not use relayd; root, uid {} and the members of group {} may",
                       peer.uid, own_uid_, group_);
}

}  // namespace relay
