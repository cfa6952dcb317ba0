// Whether failed probes speak against the tunnel, so that a session's carriers should be renewed:
// a tunnel may hang in ways that no ping shows. Deterministic.
#pragma once

#include <optional>

#include "common/base/time.h"
#include "common/protocols/verdict.h"

namespace relay {

// A target that refuses has been asked, so its tunnel works. Everything else may be the tunnel's
// fault once it has happened often enough, but for a target that is simply dead the carriers are
// not renewed for ever.
class RenewalPolicy {
public:
    static constexpr Duration pause = std::chrono::minutes(5);  // Between two renewals.

    // `failures` in a row of one forward, the last with this verdict; `most` of 0: never. True
    // means that the renewal is done at `now`.
    bool should_renew(Verdict verdict, unsigned failures, unsigned most, TimePoint now) {
        const bool blames_tunnel =
            verdict != Verdict::Ok && verdict != Verdict::Refused && verdict != Verdict::NoHome;
        if (!blames_tunnel || most == 0 || failures < most) return false;
        if (renewed_at_ && now - *renewed_at_ < pause) return false;
        renewed_at_ = now;
        return true;
    }

private:
    std::optional<TimePoint> renewed_at_;
};

}  // namespace relay
