// One attempt of a home to register its key at a relay by an invitation.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/endpoint.h"
#include "common/crypto/secure_random.h"
#include "common/settings/invitation.h"
#include "daemon/identity/identity.h"
#include "daemon/roles/approach.h"

namespace relay {

// What went wrong, why, and what to try.
struct EnrolmentFault {
    std::string text;
    std::string hint;  // May be empty.
};

struct EnrolmentRequest {
    Endpoint relay;
    Invitation invitation;
    DialSettings dialling;  // How the relay is reached.
};

// Runs a loop of its own until the relay has registered the home, or will not. `progress` hears a
// line for each step. Blocking, for a minute at most.
Result<Done, EnrolmentFault> enrol(const EnrolmentRequest& request, const Identity& identity,
                                   const std::function<void(const std::string&)>& progress);

}  // namespace relay
