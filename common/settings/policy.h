// What a home or a visitor may take of a relay, and when: plain values, and who asks is told yes or
// why not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/host_port.h"
#include "common/base/time.h"
#include "common/settings/allow_rule.h"
#include "common/settings/hours.h"

namespace relay {

inline constexpr std::size_t max_hours_rules = 32;
inline constexpr std::size_t max_target_rules = 1024;
inline constexpr std::uint64_t rate_least = 1024;  // Bytes a second: less is no service.
inline constexpr std::uint64_t rate_most = std::uint64_t{1} << 40;
inline constexpr unsigned max_hooks_at_once = 64;

struct Policy {
    std::optional<std::size_t> streams = {};  // Open at once; empty: as streams-per-home says.
    std::optional<std::uint64_t> rate = {};   // Bytes a second, each way; empty: any.
    std::vector<Hours> hours = {};            // Empty: always.
    // What the forwards of a home may lead to; empty: anything, the home decides anyway.
    std::vector<AllowRule> targets = {};

    bool operator==(const Policy&) const = default;
};

// Why there may be no new session or stream now; empty: there may.
std::string closed_now(const Policy& policy, WallTime time);
// Why there may be no stream more than the `open` ones; empty: there may.
std::string full_now(const Policy& policy, std::size_t open);
// Why no forward may lead there; empty: it may.
std::string target_refused(const Policy& policy, const HostPort& target);

// A program that is asked about each new session.
struct AcceptHook {
    std::string program;          // Path; empty: nobody is asked.
    std::string user = "nobody";  // Whose rights it has, where relayd runs as root.
    Duration timeout = std::chrono::seconds{5};
    unsigned at_once = 4;  // Beyond, four times as many wait; others are refused as busy.

    bool operator==(const AcceptHook&) const = default;
};

}  // namespace relay
