// One approach to a relay: by whichever of the roads gets there. What is dialled when, RoadRace
// decides; this dials and introduces.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/roads/road_race.h"
#include "common/settings/settings.h"
#include "daemon/carriers/dialer.h"
#include "daemon/sessions/handshaker.h"

namespace relay {

// The roads that the settings and the environment leave to an endpoint, best first.
Roads roads_to(const Endpoint& endpoint, const DialSettings& settings);

class Approach {
public:
    struct Plan {
        Endpoint endpoint;
        Roads roads;              // In the order in which they are to be tried.
        DialSettings settings;    // How.
        std::string source = {};  // The local address; empty: any.
        HomeHandshaker::Options introduction;
    };
    struct Outcome {
        std::unique_ptr<CarrierPort> port;
        std::variant<Welcome, Refusal, Error> answer;
        RoadKind road = RoadKind::Written;  // By which the answer came.
        std::vector<std::string> failures;  // Of the roads before it, one sentence each.
    };
    struct Calls {
        HomeHandshaker::Approve approve;
        std::function<void(RoadKind)> on_dial;  // One is dialled now; may be empty.
        // Once, never from within the constructor; after it, nothing is called. It may not destroy
        // the Approach.
        std::function<void(Outcome)> on_done;
        // The session to go on with when it is a road's turn, in place of the plan's.
        std::function<SessionId()> resume = {};
    };

    // All references outlive it. Destroying it gives up and calls nobody.
    Approach(Loop& loop, Random& random, const Identity& identity, Plan plan, Calls calls);
    ~Approach();
    Approach(const Approach&) = delete;
    Approach& operator=(const Approach&) = delete;

private:
    struct Runner;

    void go_on();
    Endpoint endpoint_by(RoadKind road) const;
    void dial(RoadKind road);
    void introduce(RoadKind road);
    void dialled(RoadKind road, Result<std::unique_ptr<Carrier>> carrier);
    void introduced(RoadKind road, HomeHandshaker::Outcome outcome);
    void failed(RoadKind road, RoadRace::Failure failure, const Error& why);
    void finish(Outcome outcome);
    Error all_failures() const;

    Loop& loop_;
    Random& random_;
    const Identity& identity_;
    const Plan plan_;
    Calls calls_;
    RoadRace race_;
    UvTimer timer_;
    Deferred soon_;
    std::map<RoadKind, std::unique_ptr<Runner>> runners_;
    std::vector<std::unique_ptr<Runner>> former_;  // Kept until their callbacks have returned.
    std::vector<std::string> failures_;
    std::optional<Error> last_failure_;
    bool is_over_ = false;
};

}  // namespace relay
