// Which ports are held by whom, who wants them, and whether anything answers there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/probe_kind.h"
#include "common/control/stale.h"
#include "ctl/stale/holder.h"

namespace relay {

struct HeldPort {
    TcpListening listener;
    std::vector<Holder> holders;
    StaleSnapshot snapshot;  // The same for people and programs.
};

struct SurveyOptions {
    std::string control;                     // Of the relayd that may know who wants what.
    std::optional<SocketAddress> only = {};  // Unspecified address: any.
    ProbeKind probe = ProbeKind::Auto;       // For ports of which nobody says what they speak.
};

struct Survey {
    // What somebody wants or watches, and what ssh sessions hold; with `only`, whatever is there.
    std::vector<HeldPort> held = {};
    std::string note = {};  // What could not be found out, and why; empty: nothing.
};

// Takes as long as the slowest probe.
Result<Survey> survey_ports(const SurveyOptions& options);

}  // namespace relay
