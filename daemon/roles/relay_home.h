// One home that a relay knows: its forwards, its session if it has one, its probes. The forwards
// belong to the home and not to the session, so that they keep listening whatever comes and goes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/token_bucket.h"
#include "daemon/forwards/forward.h"
#include "daemon/probes/prober.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/role.h"
#include "daemon/sessions/handshaker.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

// Who asked for something that a relay holds.
enum class Origin { Config, Runtime, Temporary };
std::string_view name_of(Origin origin);

// Carriers that a home may begin at once, and how fast others may follow.
constexpr double arrivals_at_once = 60;
constexpr double arrivals_per_second = 1;

class RelayHome final : private ForwardUser, private SessionUser, private ProberUser {
public:
    struct OwnForward {
        std::unique_ptr<Forward> forward;
        Origin origin = Origin::Config;
        std::optional<std::int64_t> expires_unix_s;
        std::unique_ptr<UvTimer> expiry;
    };
    struct OpenStream {
        ForwardId forward;
        std::string visitor;
        TimePoint since;
    };
    // Keys that a home may have: in the configuration, or added at run time.
    struct Keys {
        std::vector<AuthorizedKey> keys;
        std::vector<Cidr> from;
    };
    // Called when a forward's time is up; the forward is gone.
    using OnExpired = std::function<void()>;

    // `settings` and `events` outlive it.
    RelayHome(const RoleContext& context, std::string name, const RelaySettings& settings,
              EventHub& events, OnExpired on_expired);
    ~RelayHome() override;

    const std::string& name() const { return name_; }
    Keys& config_keys() { return config_keys_; }
    Keys& runtime_keys() { return runtime_keys_; }
    // The entry of a key, or null.
    bool has_key(const PublicKey& key) const;
    bool may_come_from(const PublicKey& key, const std::string& peer_address) const;
    bool is_configured() const { return !config_keys_.keys.empty(); }

    // What a home that has proved its key is told; then, once it has heard it, its carrier.
    Welcome welcome(const HomeProof& proof);
    // Not while it dials in faster than any honest home has reason to.
    bool may_come_again(TimePoint now) { return arrivals_.take(now); }
    void connected(RelayHandshaker::Outcome outcome);

    // Adds whether or not it can listen; its error says why not.
    ForwardId add_forward(const ForwardSettings& settings, Origin origin,
                          std::optional<std::int64_t> expires_unix_s);
    // Streams that came by it are reset, or go on.
    enum class Streams { Reset, GoOn };
    void remove_forward(ForwardId id, Streams streams);
    const std::map<ForwardId, OwnForward>& forwards() const { return forwards_; }
    const std::map<StreamId, OpenStream>& streams() const { return streams_; }

    // A session that a former process has left, with its visitors.
    void go_on_with(const SessionRemains& remains);
    // A visitor that it had accepted, and had done nothing with.
    void visitor_left_behind(UniqueFd visitor);
    // Nothing: it came by none of this home's.
    std::optional<ForwardId> forward_by_which_came(int visitor) const;

    void settings_changed();
    void end_session(EndReason reason);
    void drop();  // Everything at once, without a goodbye.
    // Everything at once, with a goodbye: the relay knows this home no longer. `on_left` follows
    // when it is said, perhaps within the call, and must not destroy the home.
    void leave(std::function<void()> on_left);
    SessionDriver* driver() { return driver_.get(); }
    const SessionDriver* driver() const { return driver_.get(); }
    bool online() const { return driver_ && driver_->attached(); }
    std::optional<TimePoint> since() const { return since_; }
    Prober& prober() { return prober_; }
    const Prober& prober() const { return prober_; }
    std::string session_text() const;
    void tell(std::string kind, std::string text, ForwardId forward = {});

private:
    void visitor_came(ForwardId forward, Accepted visitor) override;
    void visitor_turned_away(ForwardId forward, const std::string& address,
                             const char* why) override;
    void visitors_wait_outside(ForwardId forward, const std::string& why) override;
    void grace_is_over(ForwardId forward) override;
    void listening_changed(ForwardId forward) override;

    void stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) override;
    void stream_over(SessionDriver& driver, StreamId stream,
                     std::optional<ResetReason> reset) override;
    void carrier_ready(SessionDriver& driver) override;
    void carrier_lost(SessionDriver& driver, const std::string& why) override;
    void session_ended(SessionDriver& driver, EndReason reason) override;

    SessionDriver* session_for_probe() override;
    void probed(ForwardId forward, const ProbeResult& result) override;
    void carriers_need_renewal(ForwardId forward, unsigned failures) override;

    bool is_session(const SessionId& id) const;  // The one there is, and not over.
    SessionOptions options_of_session() const;
    void begin_session(const SessionId& id);
    void retire_driver(EndReason reason);
    void home_left();
    bool may_tell_refusal(ForwardId forward);
    void say_refused(Forward& forward, const std::string& visitor, ResetReason reason);
    LogFields fields(ForwardId forward = {}) const;

    RoleContext context_;
    const std::string name_;
    const RelaySettings& settings_;  // Not a copy: they list all homes of the relay.
    EventHub& events_;
    OnExpired on_expired_;
    std::function<void()> on_left_;  // Empty but while leaving.
    Keys config_keys_;
    Keys runtime_keys_;
    Prober prober_;
    std::map<ForwardId, OwnForward> forwards_;
    std::uint64_t last_forward_ = 0;
    std::unique_ptr<SessionDriver> driver_;
    std::vector<std::unique_ptr<SessionDriver>> former_;  // Saying goodbye.
    // The session that was given to a home which asked for one that is not there any more: all
    // carriers that ask for that one get the same.
    SessionId asked_for_{};
    SessionId given_{};
    std::map<StreamId, OpenStream> streams_;
    TokenBucket arrivals_;
    std::optional<TimePoint> since_;  // Of the last coming or going.
    bool there_ = false;              // Data may flow, so visitors are let in.
    std::map<ForwardId, TimePoint> refusals_logged_;
    std::map<ForwardId, std::optional<Verdict>> last_verdicts_;
};

}  // namespace relay
