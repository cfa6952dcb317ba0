// What a probe found, and how long it took.
#pragma once

#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/protocols/verdict.h"
#include "common/wire/close_reason.h"

namespace relay {

struct ProbeResult {
    Verdict verdict = Verdict::NoHome;
    std::string detail{};               // For people; may be empty.
    std::optional<Duration> connect{};  // Until the target was reached through the tunnel.
    std::optional<Duration> answer{};   // From then until its answer, if it has said anything.
    TimePoint at{};
    std::optional<ResetReason> reset{};  // Why the home has not reached the target.
};

}  // namespace relay
