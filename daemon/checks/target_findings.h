// What a probe of a target says about the hops behind the session: the home's allow list, the
// target, its protocol.
#pragma once

#include <optional>
#include <string>

#include "common/base/host_port.h"
#include "common/base/probe_kind.h"
#include "common/protocols/verdict.h"
#include "common/wire/close_reason.h"
#include "daemon/checks/checklist.h"

namespace relay {

struct TargetSeen {
    HostPort target;
    std::string home;  // Where to do what is advised; empty: here.
    ProbeKind kind = ProbeKind::Tcp;
    Verdict verdict = Verdict::Ok;
    std::optional<ResetReason> reset{};  // Why the home has not reached the target.
    std::string detail{};
    std::optional<Duration> connect{};
    std::optional<Duration> answer{};
};

// "allow", "target" and "protocol"; not for Verdict::NoHome.
void add_target_findings(Checklist& checks, const TargetSeen& seen);
// Without "allow": for a target that was dialled from here.
void add_service_findings(Checklist& checks, const TargetSeen& seen);

}  // namespace relay
