#include "daemon/control/subscriptions.h"

#include <vector>

#include "common/control/message.h"

namespace relay {

Subscriptions::~Subscriptions() {
    if (!followers_.empty()) operations_.unsubscribe(*this);
}

void Subscriptions::add(const void* id, Follower follower) {
    if (followers_.empty()) operations_.subscribe(*this);
    followers_.insert_or_assign(id, std::move(follower));
}

void Subscriptions::remove(const void* id) {
    if (followers_.erase(id) > 0 && followers_.empty()) operations_.unsubscribe(*this);
}

void Subscriptions::event_happened(const EventSnapshot& event) {
    const auto line = event_line(event);
    std::vector<const void*> ids;
    for (const auto& [id, follower] : followers_) ids.push_back(id);
    for (const auto id : ids) {
        const auto found = followers_.find(id);
        if (found == followers_.end()) continue;
        const auto follower = found->second;  // Copied: it may remove itself.
        follower(line);
    }
}

}  // namespace relay
