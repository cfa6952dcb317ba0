// The names of all fields in JSON of what relayd-gate says, as fields.h has others.
#pragma once

#include "common/control/fields.h"
#include "common/control/gates.h"

namespace relay {

void fields(auto& visit, Is<OpenSnapshot> auto& s) {
    visit("address", s.address);
    visit("by", s.by);
    visit("until", s.until);
}

void fields(auto& visit, Is<GateSnapshot> auto& s) {
    visit("name", s.name);
    visit("places", s.places);
    visit("closed", s.closed);
    visit("always", s.always);
    visit("open_for_s", s.open_for_s);
    visit("opened_by", s.opened_by);
    visit("ascending", s.ascending);
    visit("claimed", s.claimed);
    visit("open", s.open);
    visit("passed", s.passed);
    visit("refused", s.refused);
    visit("knocked", s.knocked);
}

void fields(auto& visit, Is<GateList> auto& s) {
    visit("gates", s.gates);
    visit("left_off", s.left_off);
    visit("problem", s.problem);
}

void fields(auto& visit, Is<OpenGate> auto& s) {
    visit("gate", s.gate);
    visit("address", s.address);
    visit("for_s", s.for_s);
    visit("by", s.by);
}

void fields(auto& visit, Is<CloseGate> auto& s) {
    visit("gate", s.gate);
    visit("address", s.address);
}

void fields(auto& visit, Is<ClaimedPlace> auto& s) {
    visit("gate", s.gate);
    visit("address", s.address);
    visit("ports", s.ports);
}

void fields(auto& visit, Is<ClaimPlaces> auto& s) {
    visit("places", s.places);
}

void fields(auto& visit, Is<RefusedPlace> auto& s) {
    visit("index", s.index);
    visit("why", s.why);
}

void fields(auto& visit, Is<ClaimedPlaces> auto& s) {
    visit("refused", s.refused);
    visit("gates", s.gates);
    visit("problem", s.problem);
}

void fields(auto& visit, Is<ApplyGates> auto& s) {
    visit("confirm_s", s.confirm_s);
}

}  // namespace relay
