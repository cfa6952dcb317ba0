// What relayd has claimed: which places, judged how. Keeps them in a file, so that they are closed
// from the start of a boot on.
#pragma once

#include <sys/types.h>

#include <vector>

#include "common/control/gates.h"
#include "common/gates/claims.h"
#include "daemon/gate/gate_files.h"

namespace relay {

class GateClaims {
public:
    explicit GateClaims(const GateFiles& files) : files_(files) {}

    void load() { all_ = files_.claims(); }
    const std::vector<GateClaim>& all() const { return all_; }

    // What is to be closed for this request, and what of it is not. What is refused and was closed
    // before stays so: a forward may listen there until whoever asks has heard of it.
    struct Judged {
        std::vector<GateClaim> claims;
        std::vector<RefusedPlace> refused;
    };
    Result<Judged> judge(const ClaimPlaces& request, const std::vector<Gate>& gates,
                         uid_t asker) const;
    Status set(std::vector<GateClaim> claims);

private:
    bool has(const GateClaim& claim) const;

    const GateFiles& files_;
    std::vector<GateClaim> all_;
};

}  // namespace relay
