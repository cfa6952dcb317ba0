// relayd-gate while it runs: keeps the table, answers relayctl and relayd, and tells the log who
// comes and goes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/control/gates.h"
#include "daemon/gate/gate_claims.h"
#include "daemon/gate/gate_files.h"
#include "daemon/gate/gate_server.h"
#include "daemon/gate/gatekeeper.h"
#include "daemon/gate/hook_bell.h"
#include "daemon/gate/netlink.h"
#include "daemon/io/timer.h"
#include "daemon/log/log.h"

namespace relay {

struct GateServiceOptions {
    std::string config;
    std::string state_dir;
    std::string control;
    std::string hooks = usual_hooks_socket;  // Where relayd-hooks listens.
};

class GateService {
public:
    GateService(Loop& loop, Log& log, GateServiceOptions options);
    ~GateService();
    GateService(const GateService&) = delete;
    GateService& operator=(const GateService&) = delete;

    // The table is in force when this returns, or was before. Wrong settings: the code Malformed.
    Status start();
    // Reads the settings again. All or nothing.
    Result<ReloadSnapshot> apply(const ApplyGates& how);
    // What nobody has confirmed does not hold any more.
    void end();

private:
    Status begin();
    Status put(const std::vector<Gate>& gates);
    void keep_confirmed();
    Result<std::string> answer(const ControlRequest& request, const GateAsker& who);
    Result<GateList> list();
    Result<ClaimedPlaces> claim(const ClaimPlaces& request, uid_t asker);
    std::string problem() const;
    Status open(const OpenGate& request, const std::string& who);
    Status close(const CloseGate& request, const std::string& who);
    Status confirm();
    void roll_back();
    const Gate* gate_named(const std::string& name) const;  // Of the settings.
    void listen_to_kernel();
    void knocked(const Knock& knock);
    void tell_hooks(const HookNews& news);
    void restore_table();

    Loop& loop_;
    Log& log_;
    GateServiceOptions options_;
    GateFiles files_;
    Gatekeeper keeper_;
    GateClaims claims_{files_};
    std::vector<Gate> gates_;  // Without what is claimed.
    std::string problem_;
    std::optional<std::vector<Gate>> before_;  // Until what came after it is confirmed.
    UvTimer unconfirmed_;
    UvTimer look_;  // For our table, a moment after rules have changed.
    std::unique_ptr<KnockNotes> notes_;
    std::unique_ptr<RuleChanges> changes_;
    std::unique_ptr<GateServer> server_;
};

}  // namespace relay
