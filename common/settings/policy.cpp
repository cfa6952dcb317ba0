#include "common/settings/policy.h"

#include <algorithm>

namespace relay {

std::string closed_now(const Policy& policy, WallTime time) {
    if (is_within(policy.hours, time)) return {};
    std::string text = "outside of its hours, ";
    for (const Hours& hours : policy.hours) {
        text += (&hours == &policy.hours.front() ? "" : "; ") + to_text(hours);
    }
    return text;
}

std::string full_now(const Policy& policy, std::size_t open) {
    if (!policy.streams || open < *policy.streams) return {};
    return "it has as many streams as it may, " + std::to_string(*policy.streams);
}

std::string target_refused(const Policy& policy, const HostPort& target) {
    if (policy.targets.empty()) return {};
    const auto permits = [&](const AllowRule& rule) {
        return allows(rule, target.host, target.port);
    };
    if (std::any_of(policy.targets.begin(), policy.targets.end(), permits)) return {};
    return "its targets do not name " + to_text(target);
}

}  // namespace relay
