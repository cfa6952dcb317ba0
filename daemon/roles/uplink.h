// One of the home's ways to its relay: which endpoint is dialled and when, and whether the relay at
// the other end is the one that is trusted.
//
//     Resting --timer--> Dialling --carrier--> Introducing --welcome--> Resting
//
// Every failure leads back to Resting, with a timer that the backoff sets.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/backoff.h"
#include "common/crypto/fingerprint.h"
#include "common/settings/settings.h"
#include "daemon/carriers/dialer.h"
#include "daemon/roles/admissions.h"
#include "daemon/roles/role.h"
#include "daemon/sessions/handshaker.h"

namespace relay {

class Uplink {
public:
    struct Slot {
        std::uint8_t number = 0;
        // An endpoint that another slot's carrier uses is dialled only if there is no other.
        std::function<bool(const Endpoint&)> is_taken;
    };
    struct Connected {
        std::unique_ptr<CarrierPort> port;
        std::uint8_t slot = 0;
        Welcome welcome;
        std::string relay;  // The endpoint that was dialled.
    };
    using OnConnected = std::function<void(Connected)>;
    // The session to go on with; all zero: none.
    using SessionToResume = std::function<SessionId()>;

    Uplink(const RoleContext& context, const HomeSettings& settings, Slot slot,
           SessionToResume resume, OnConnected on_connected);

    std::uint8_t slot() const { return slot_.number; }
    // The one that was dialled last.
    const Endpoint& endpoint() const { return endpoint_; }
    // From the welcome until lost().
    bool is_connected() const { return is_connected_; }
    bool is_waiting() const { return redial_.is_armed(); }  // For its next attempt.
    bool is_idle() const {
        return !is_connected_ && !dialer_ && !handshaker_ && !redial_.is_armed();
    }

    // Its carrier is gone.
    void lost() { is_connected_ = false; }
    // A session was up: the next attempt follows at once.
    void dial_at_once();
    // Somebody else has our key, or the relay wants us no longer: wait longer each time.
    void dial_much_later(const std::string& why, std::string_view message_id);
    // The session came to a bad end, so that trying again at once could go on for ever.
    void dial_later(const std::string& why) { failed(why); }
    void stop();
    // Used from the next attempt on.
    void set(const HomeSettings& settings) { settings_ = settings; }
    // Data flows: the next failure is a first one.
    void is_up();
    // Why there is no carrier now; empty: nothing is wrong.
    const std::string& problem() const { return problem_; }

private:
    void dial();
    void dialled(Result<std::unique_ptr<Carrier>> carrier);
    void introduced(HomeHandshaker::Outcome outcome);
    Status approve(const PublicKey& relay);
    void refused(const Refusal& refusal);
    void failed(const std::string& why);
    void retry(const std::string& why, Duration wait, std::string_view message_id = {});
    Endpoint choose() const;
    std::string source() const;

    RoleContext context_;
    HomeSettings settings_;
    Slot slot_;
    SessionToResume resume_;
    OnConnected on_connected_;
    Backoff backoff_;
    Backoff yield_;  // To another process with our key, or to a relay that removed us.
    Admissions admissions_;
    Fingerprint relay_{};       // Of the relay that was approved last.
    bool is_admitted_ = false;  // It has let us in, and that is written down.
    UvTimer redial_;
    Endpoint endpoint_;
    bool is_connected_ = false;
    std::size_t attempts_ = 0;  // Which endpoint's turn it is.
    std::unique_ptr<Dialer> dialer_;
    std::unique_ptr<HomeHandshaker> handshaker_;
    std::unique_ptr<HomeHandshaker> former_;  // Kept until its callbacks have returned.
    std::string problem_;
};

}  // namespace relay
