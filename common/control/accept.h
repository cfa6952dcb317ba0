// What an accept hook is told and what it answers, as plain values; relayd.yaml(5) describes their
// JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/control/request.h"
#include "common/control/snapshot.h"

namespace relay {

struct AcceptFacts {
    std::uint64_t protocol = 1;
    std::string kind = {};  // home, visitor
    std::string name = {};
    std::string fingerprint = {};
    std::string address = {};   // ADDRESS:PORT
    std::string carrier = {};   // wss, ws, tls, poll
    std::uint64_t version = 1;  // Of the session protocol.
    Moment at = {};
    std::string asks = {};  // session
};

struct AcceptAnswer {
    std::optional<bool> allow = {};
    std::string reason = {};
    std::vector<InvitedForward> forwards = {};
};

}  // namespace relay
