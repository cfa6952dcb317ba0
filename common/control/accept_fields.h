// The names of all fields in JSON of an accept hook, as fields.h has others.
#pragma once

#include "common/control/accept.h"
#include "common/control/request_fields.h"

namespace relay {

void fields(auto& visit, Is<AcceptFacts> auto& s) {
    visit("relayd-accept", s.protocol);
    visit("kind", s.kind);
    visit("name", s.name);
    visit("fingerprint", s.fingerprint);
    visit("address", s.address);
    visit("carrier", s.carrier);
    visit("version", s.version);
    visit("at", s.at);
    visit("asks", s.asks);
}

void fields(auto& visit, Is<AcceptAnswer> auto& s) {
    visit("allow", s.allow);
    visit("reason", s.reason);
    visit("forwards", s.forwards);
}

}  // namespace relay
