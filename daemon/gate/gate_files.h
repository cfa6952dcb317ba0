// What relayd-gate must know after a restart and a boot, as files of its state directory.
#pragma once

#include <string>
#include <vector>

#include "common/gates/claims.h"
#include "common/gates/kept_gates.h"

namespace relay {

class GateFiles {
public:
    // Empty: nothing is kept.
    explicit GateFiles(std::string directory) : directory_(std::move(directory)) {}

    Status prepare() const;
    // Those that were confirmed last, or needed no confirmation. NotFound: there are none yet.
    Result<std::vector<Gate>> gates() const;
    Status keep(const std::vector<Gate>& gates) const;
    std::vector<GateClaim> claims() const;
    Status keep(const std::vector<GateClaim>& claims) const;

    // That the settings close what nobody has confirmed: a start must not go by them.
    bool is_unconfirmed() const;
    Status set_unconfirmed() const;
    void set_confirmed() const;

private:
    std::string path(const char* name) const { return directory_ + "/" + name; }

    std::string directory_;
};

}  // namespace relay
