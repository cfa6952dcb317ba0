#include "daemon/roles/last_refusals.h"

#include <algorithm>
#include <utility>

namespace relay {

void LastRefusals::add(LastRefusal refusal) {
    std::erase_if(refusals_, [&](const auto& known) { return known.home == refusal.home; });
    if (refusals_.size() == refusals_most) refusals_.pop_front();
    refusals_.push_back(std::move(refusal));
}

std::optional<LastRefusal> LastRefusals::of(const std::string& home, TimePoint now) const {
    const auto found = std::ranges::find(refusals_, home, &LastRefusal::home);
    if (found == refusals_.end() || now - found->at > memory) return std::nullopt;
    return *found;
}

}  // namespace relay
