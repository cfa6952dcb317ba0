#include "daemon/roles/policing.h"

#include <ctime>

#include "daemon/io/system_clock.h"

namespace relay {

namespace {

const Policy& policy_in(const auto& entries, const std::string& name) {
    static const Policy unlimited;
    const auto found = entries.find(name);
    return found == entries.end() ? unlimited : found->second.policy;
}

}  // namespace

WallTime wall_time_here() {
    const std::time_t time = std::chrono::system_clock::to_time_t(wall_time());
    std::tm local{};
    (void)localtime_r(&time, &local);
    constexpr int days_per_week = 7;
    return {static_cast<unsigned>((local.tm_wday + days_per_week - 1) % days_per_week),
            static_cast<unsigned>(local.tm_hour * 60 + local.tm_min)};
}

const Policy& policy_of_home(const RelaySettings& settings, const std::string& home) {
    return policy_in(settings.homes, home);
}

const Policy& policy_of_visitor(const RelaySettings& settings, const std::string& visitor) {
    return policy_in(settings.visitors, visitor);
}

std::optional<PolicySnapshot> snapshot_of(const Policy& policy) {
    if (policy == Policy{}) return std::nullopt;
    PolicySnapshot snapshot;
    snapshot.streams_most = policy.streams;
    snapshot.rate_bytes_per_s = policy.rate;
    for (const Hours& hours : policy.hours) snapshot.hours.push_back(to_text(hours));
    for (const AllowRule& rule : policy.targets) snapshot.targets.push_back(to_text(rule));
    snapshot.closed = closed_now(policy, wall_time_here());
    return snapshot;
}

}  // namespace relay
