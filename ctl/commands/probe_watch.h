// relayctl probe --watch: a line for each probe, until somebody has seen enough.
#pragma once

#include <cstdint>

#include "common/control/request.h"
#include "ctl/command.h"

namespace relay {

struct ProbeWatch {
    double every_s = 30;         // Between the end of a probe and the next; at least a second.
    std::uint64_t failures = 0;  // In a row, until it ends with Failed; 0: it never ends.
};

// A relayd that is not reachable is a failure like another, and asked again: it may be restarting.
ExitCode watch_probes(const Call& call, const ProbeSelector& which, const ProbeWatch& watch);

}  // namespace relay
