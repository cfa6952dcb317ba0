// Claims: ports behind a gate that the settings do not have. relayd asks for them, for forwards
// that came at run time, and relayd-gate judges them: a claim can close a port of relayd's own, and
// nothing else, and open none (docs/GATES.md, "Forwards that come at run time").
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/settings/gate.h"

namespace relay {

struct GateClaim {
    std::string gate;
    GatedPlace place;

    bool operator==(const GateClaim&) const = default;
};

// Places of one gate and address whose ports follow one another become one.
std::vector<GateClaim> merged(std::vector<GateClaim> claims);

// What a claim is in the gates that the settings have.
enum class ClaimStanding {
    Settled,  // The settings close all of it themselves.
    Claimed,  // It may be closed beside them.
    Refused,
};
struct ClaimVerdict {
    ClaimStanding standing = ClaimStanding::Refused;
    std::string why;  // Of a refusal.
};
ClaimVerdict judge_claim(const std::vector<Gate>& gates, const GateClaim& claim);

// The gates of the settings with what is claimed. A gate that they have no longer keeps its claims
// closed to everybody: so no forward is ever open because somebody changed a file.
std::vector<Gate> with_claims(std::vector<Gate> gates, const std::vector<GateClaim>& claims);

// "desktop 3389-3390 203.0.113.5", a line for each; what cannot be read is left out.
std::string claims_text(const std::vector<GateClaim>& claims);
std::vector<GateClaim> parse_claims(std::string_view text);

}  // namespace relay
