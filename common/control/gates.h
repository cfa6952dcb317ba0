// What relayd-gate is asked and what it answers, as plain values (docs/CONTROL.md, "relayd-gate").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/control/snapshot.h"

namespace relay {

struct OpenSnapshot {
    std::string address = {};
    std::string by = {};  // knock, operator
    Moment until = {};
};

struct GateSnapshot {
    std::string name = {};
    std::vector<std::string> places = {};  // 22/tcp, 203.0.113.5 3389/tcp
    std::string closed = {};               // reject, drop
    std::vector<std::string> always = {};
    double open_for_s = 0;
    std::vector<std::string> opened_by = {};  // sequence, signed
    bool ascending = false;                   // A scan opens it, and the settings allow that.
    std::vector<std::string> claimed = {};    // As places, of forwards that no settings have.
    std::vector<OpenSnapshot> open = {};
    std::uint64_t passed = 0;
    std::uint64_t refused = 0;
    std::uint64_t knocked = 0;
};

struct GateList {
    std::vector<GateSnapshot> gates = {};
    std::uint64_t left_off = 0;
    std::string problem = {};  // Why the settings that were read last do not hold.
};

struct OpenGate {
    std::string gate = {};
    std::string address = {};
    std::optional<double> for_s = {};  // Empty: as the gate's settings say.
    std::string by = {};               // knock: as one; else the operator.
};

struct CloseGate {
    std::string gate = {};
    std::string address = {};
};

// Where a forward listens, or several next to one another: TCP.
struct ClaimedPlace {
    std::string gate = {};
    std::string address = {};  // Empty: any.
    std::string ports = {};    // 3389, 22000-22004
};

// All that relayd wants closed beside what the settings say.
struct ClaimPlaces {
    std::vector<ClaimedPlace> places = {};
};

struct RefusedPlace {
    std::uint64_t index = 0;  // In what was asked for.
    std::string why = {};
};

struct ClaimedPlaces {
    std::vector<RefusedPlace> refused = {};  // All others are closed now.
    std::vector<std::string> gates = {};     // Their names, of those that hold.
    std::string problem = {};                // As GateList's.
};

struct ApplyGates {
    std::optional<double> confirm_s = {};  // Taken back after so long, unless confirmed.
};

}  // namespace relay
