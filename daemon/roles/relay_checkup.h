// All that a relay can try of the way from its visitors to the targets of its homes: its own door,
// and each forward's listener, session, target. One run of `relayctl doctor`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/forward_id.h"
#include "daemon/checks/relay_walk.h"
#include "daemon/checks/visitor_check.h"
#include "daemon/probes/probe_result.h"
#include "daemon/roles/relay_home.h"

namespace relay {

class RelayCheckup {
public:
    static constexpr std::size_t forwards_most = 64;

    struct Way {
        std::string home;
        ForwardId forward;
    };
    struct Options {
        std::vector<Endpoint> doors;
        std::string public_host;  // Where homes reach the relay; empty: not said.
        std::vector<std::string> homes;
        std::vector<Way> ways;  // At most forwards_most.
    };
    // Null: that home has gone meanwhile.
    using FindHome = std::function<RelayHome*(const std::string& name)>;
    // What was refused at the door lately, of a home that is not there; empty: nothing.
    using LastRefusal = std::function<std::optional<CheckSnapshot>(const std::string& home)>;
    // Once, never from within the constructor; may not destroy the checkup.
    using OnDone = std::function<void(std::vector<CheckSnapshot>)>;

    RelayCheckup(const RoleContext& context, Options options, FindHome find_home,
                 LastRefusal last_refusal, OnDone on_done);
    ~RelayCheckup();

private:
    struct Door {
        std::unique_ptr<RelayWalk> walk;
        std::vector<CheckSnapshot> checks;
    };
    struct Visit {
        Way way;
        HostPort listen, target;
        std::string subject;
        ProbeKind kind = ProbeKind::Tcp;
        bool is_over = false;  // As far as it can be tried.
        std::optional<ProbeResult> probed;
        std::unique_ptr<VisitorCheck> visitor;
        VisitorCheck::Findings seen;
    };

    void begin_door(const Endpoint& endpoint);
    void begin_name();
    void begin_visit(Visit& visit);
    void probed(std::size_t number, const ProbeResult& result);
    void one_done();
    std::vector<CheckSnapshot> findings();
    std::vector<CheckSnapshot> home_findings(const std::string& name);
    std::vector<CheckSnapshot> visit_findings(Visit& visit);
    void add_listener(Checklist& checks, Visit& visit, const Forward& forward);

    RoleContext context_;
    Options options_;
    FindHome find_home_;
    LastRefusal last_refusal_;
    OnDone on_done_;
    Fingerprint own_key_;
    std::vector<Door> doors_;
    std::unique_ptr<TargetDialer> name_;
    std::vector<CheckSnapshot> name_checks_;
    std::vector<Visit> visits_;
    std::size_t missing_ = 0;
    std::shared_ptr<RelayCheckup*> alive_;  // Shared with probes, which may end after this.
};

}  // namespace relay
