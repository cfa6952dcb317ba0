// One of the ways of a home, or a visitor, to its relay: which endpoint is dialled and when, and
// whether the relay at the other end is the one that is trusted.
//
//     Resting --timer--> Approaching --welcome--> Connected --lost--> Resting
//
// Every failure leads back to Resting, with a timer that the backoff sets. While it is connected by
// a road that is not the best one, the better ones are approached again now and then: then there
// are two carriers for a moment, in the two slots that an uplink has, and the worse one is retired.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/backoff.h"
#include "common/crypto/fingerprint.h"
#include "common/roads/road_ladder.h"
#include "common/settings/settings.h"
#include "daemon/roles/admissions.h"
#include "daemon/roles/approach.h"
#include "daemon/roles/known_roads.h"
#include "daemon/roles/role.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class Uplink {
public:
    struct Slot {
        std::uint8_t number = 0;
        std::uint8_t other = 0;  // For a carrier that is to follow; equal: there is none.
        // An endpoint that another slot's carrier uses is dialled only if there is no other.
        std::function<bool(const Endpoint&)> is_taken;
    };
    struct Connected {
        std::unique_ptr<CarrierPort> port;
        std::uint8_t slot = 0;
        Welcome welcome;
        std::string relay;  // The endpoint that was dialled.
        Fingerprint relay_key = {};
    };
    // Whose way it is.
    struct Owner {
        PeerKind kind;
        // The session to go on with; all zero: none.
        std::function<SessionId()> resume;
        std::function<void(Connected)> on_connected;
        std::string how_to_let_in;  // What to type at a relay that does not know the key.
        // Not now, and perhaps never; it tries again anyway. May be empty.
        std::function<void(const std::string& why)> on_refused = {};
    };

    Uplink(const RoleContext& context, const DialSettings& settings, Slot slot, Owner owner);

    std::uint8_t number() const { return slot_.number; }
    // The one that was dialled last.
    const Endpoint& endpoint() const { return endpoint_; }
    // From the welcome until lost().
    bool is_connected() const { return is_connected_; }
    bool is_waiting() const { return redial_.is_armed(); }  // For its next attempt.
    bool is_idle() const { return !is_connected_ && !approach_ && !redial_.is_armed(); }

    // Carriers have come or gone. Whether data flows by ours; if it is gone, it is dialled.
    bool follow(SessionDriver& driver);
    // Its carriers are gone, and it is not dialled.
    void lost();
    // A session was up: the next attempt follows at once.
    void dial_at_once();
    // The same for a new session, which belongs to no relay yet: the list begins at its head.
    void dial_anew();
    // Somebody else has our key, or the relay wants us no longer: wait longer each time.
    void dial_much_later(const std::string& why, std::string_view message_id);
    // The session came to a bad end, so that trying again at once could go on for ever.
    void dial_later(const std::string& why) { failed(why); }
    void stop();
    // Used from the next attempt on.
    void set(const DialSettings& settings);
    // Why there is no carrier now; empty: nothing is wrong.
    const std::string& problem() const { return problem_; }

private:
    // A carrier by a better road, which does not carry yet.
    struct Rising {
        std::uint8_t slot;
        RoadKind road;
    };

    void dial();
    void try_better();
    void approach(const Roads& roads, std::uint8_t slot);
    void arrived(Approach::Outcome outcome);
    void welcomed(Approach::Outcome outcome);
    void rose(Approach::Outcome outcome);
    void settle_rise(SessionDriver& driver);
    void plan_rise();
    void is_up();
    void remember_road();
    RoadLadder& ladder();
    std::uint8_t other_slot() const;
    void tell_road(RoadKind road, const std::string& why);
    Status approve(const PublicKey& relay);
    void refused(const Refusal& refusal);
    void failed(const std::string& why);
    void retry(const std::string& why, Duration wait, std::string_view message_id = {});
    Endpoint choose() const;
    std::string source() const;

    RoleContext context_;
    DialSettings settings_;
    Slot slot_;
    Owner owner_;
    Backoff backoff_;
    Backoff yield_;  // To another process with our key, or to a relay that removed us.
    Admissions admissions_;
    Fingerprint relay_{};       // Of the relay that was approved last.
    bool is_admitted_ = false;  // It has let us in, and that is written down.
    UvTimer redial_;
    Endpoint endpoint_;
    bool is_connected_ = false;
    std::size_t attempts_ = 0;  // Which endpoint's turn it is.
    KnownRoads known_roads_;
    std::map<std::string, RoadLadder> ladders_;  // By endpoint.
    bool are_ladders_stale_ = false;             // The settings have changed.
    std::uint8_t slot_in_use_;
    std::optional<RoadKind> told_road_;  // In the log.
    std::optional<Rising> rising_;
    UvTimer better_;
    std::unique_ptr<Approach> approach_;
    std::unique_ptr<Approach> former_;  // Kept until its callbacks have returned.
    std::string problem_;
};

}  // namespace relay
