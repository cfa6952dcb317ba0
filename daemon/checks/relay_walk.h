// The way from a home to its relay, one hop after another, by connections of its own: whatever
// session there is goes on undisturbed. Relay and home are judged exactly as when the home dials.
//
//     Reaching --tcp--> Dialling --carrier--> Introducing --answer--> done
//
// Each failure leads to done: the hops behind it are skipped.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/crypto/fingerprint.h"
#include "daemon/carriers/dialer.h"
#include "daemon/checks/checklist.h"
#include "daemon/forwards/target_dialer.h"
#include "daemon/identity/identity.h"
#include "daemon/sessions/handshaker.h"

namespace relay {

class RelayWalk {
public:
    struct Options {
        Endpoint endpoint;
        std::string subject;  // How the endpoint is called.
        DialOptions dial;
        // The relay's key; none: it is not known yet, and nothing is proved to it.
        std::optional<Fingerprint> expected;
        std::string expected_where;  // "relay-key", "/var/lib/relayd/known_relays".
        std::string name;            // The home's.
        // Whether the home's key shall be proved, to hear whether the relay knows it.
        bool proves_key = false;
    };
    // Once, never from within the constructor; may destroy the walk.
    using OnDone = std::function<void(std::vector<CheckSnapshot>)>;

    // `loop`, `random` and `identity` outlive it. Without an identity only the relay is judged.
    RelayWalk(Loop& loop, Random& random, const Identity* identity, Options options,
              OnDone on_done);
    RelayWalk(const RelayWalk&) = delete;
    RelayWalk& operator=(const RelayWalk&) = delete;

private:
    void reach();
    void reached(const std::variant<UniqueFd, TargetDialer::Failure>& result);
    void dial();
    void dialled(Result<std::unique_ptr<Carrier>> carrier);
    void dial_failed(Dialer::Stage stage, const std::string& why);
    void introduce(std::unique_ptr<Carrier> carrier);
    Status approve(const PublicKey& relay);
    void introduced(const HomeHandshaker::Outcome& outcome);
    void judge_refusal(const Refusal& refusal);
    void finish();
    Duration lap();  // Since the last one.

    Loop& loop_;
    Random& random_;
    Options options_;
    OnDone on_done_;
    Checklist checks_;
    Identity nobody_;           // What speaks for us when we have no key, or do not show it.
    const Identity* identity_;  // Null: nobody_.
    std::string proxy_;         // Empty: none.
    HostPort first_hop_;        // The proxy, or the relay.
    std::vector<std::string> addresses_;
    TimePoint lap_began_;
    bool relay_judged_ = false;
    UvTimer knocked_;
    std::unique_ptr<TargetDialer> reaching_;
    std::unique_ptr<Dialer> dialer_;
    std::unique_ptr<HomeHandshaker> handshaker_;
};

}  // namespace relay
