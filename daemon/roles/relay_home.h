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
#include "daemon/forwards/ftp_stream.h"
#include "daemon/forwards/rate_limit.h"
#include "daemon/probes/prober.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/peer_keys.h"
#include "daemon/roles/policing.h"
#include "daemon/roles/reached_streams.h"
#include "daemon/roles/role.h"
#include "daemon/roles/visitor_names.h"
#include "daemon/sessions/handshaker.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

// Who asked for something that a relay holds.
enum class Origin { Config, Runtime, Temporary, Home };
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
        std::shared_ptr<FtpRange> data_ports;  // From the first FTP client on.
    };
    struct OpenStream {
        ForwardId forward;
        std::string visitor;
        TimePoint since;
        std::optional<IpAddress> counted = {};  // By the guard, as one who comes from there.
    };
    // A forward that the home asks for and may not have.
    struct Denied {
        std::string listen;  // As it was asked for.
        std::string target;
        std::string why;

        bool operator==(const Denied&) const = default;
    };
    // What the relay's settings, or operators at run time, permit the home.
    struct Permissions {
        struct Part {
            std::vector<ListenRule> listen;
            std::vector<ReachRule> reach;

            bool operator==(const Part&) const = default;
        };
        Part config;
        Part runtime;
    };
    // Called when forwards have come or gone by themselves: their time was up, or the home has said
    // what it wants.
    using OnChanged = std::function<void()>;

    // What all homes of a relay share, and outlives them.
    struct House {
        const RelaySettings& settings;
        EventHub& events;
        VisitorNames& names;
        VisitorGuard& guard;
        ReachedStreams::Find find_forward;
        // See RelayVisitor::open_ftp_data(); of the visitor with this name.
        std::function<Result<UniqueFd>(const std::string& visitor, const std::string& control,
                                       const Destination&)>
            open_to_visitor;
    };
    RelayHome(const RoleContext& context, std::string name, const House& house,
              OnChanged on_changed);
    ~RelayHome() override;

    const std::string& name() const { return name_; }
    PeerKeys& keys() { return keys_; }
    const PeerKeys& keys() const { return keys_; }
    const Permissions& permissions() const { return permissions_; }
    // What it had by the former ones goes.
    void set_permissions(const Permissions& permissions);
    bool may_have(const HostPort& listen) const;
    const std::vector<Denied>& denied() const { return denied_; }
    bool is_configured() const { return !keys_.config.keys.empty(); }

    const Policy& policy() const { return policy_of_home(settings_, name_); }
    bool is_session(const SessionId& id) const;  // The one there is, and not over.

    // What a home that has proved its key is told; then, once it has heard it, its carrier.
    Welcome welcome(const HomeProof& proof);
    // Not while it dials in faster than any honest home has reason to.
    bool may_come_again(TimePoint now) { return arrivals_.take(now); }
    void connected(RelayHandshaker::Outcome outcome);

    // Those of the next session that begins, for as long as it lasts.
    void expect_forwards(std::vector<ForwardSettings> forwards) { expected_ = std::move(forwards); }

    // Adds whether or not it can listen; its error says why not.
    ForwardId add_forward(const ForwardSettings& settings, Origin origin,
                          std::optional<std::int64_t> expires_unix_s);
    // Streams that came by it are reset, or go on.
    enum class Streams { Reset, GoOn };
    void remove_forward(ForwardId id, Streams streams);
    const std::map<ForwardId, OwnForward>& forwards() const { return forwards_; }
    // Before forwards that come at run time and name no other gate.
    const std::string& default_gate() const;
    const std::map<StreamId, OpenStream>& streams() const { return streams_; }
    const ReachedStreams& reached() const { return reached_; }  // Streams that the home opened.

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
    // From what it has said last; nothing is known of one that was never here.
    bool cannot_seal() const;
    // Whether visitors cannot be the client's end of its FTP connections; likewise.
    bool knows_no_ftp() const;
    const std::string& last_loss() const { return last_loss_; }  // Why it is away.
    Prober& prober() { return prober_; }
    const Prober& prober() const { return prober_; }
    std::string session_text() const;
    void tell(std::string kind, std::string text, ForwardId forward = {});
    void tell(EventSnapshot event, ForwardId forward = {});  // Fills in what concerns the home.

private:
    void visitor_came(ForwardId forward, Accepted visitor) override;
    void visitor_turned_away(ForwardId forward, const std::string& address,
                             const char* why) override;
    void source_refused(ForwardId forward, const std::string& address) override;
    void visitors_wait_outside(ForwardId forward, const std::string& why) override;
    void grace_is_over(ForwardId forward) override;
    void listening_changed(ForwardId forward) override;

    // What the home asks for (relay_home_asked.cpp).
    void forwards_wanted(SessionDriver& driver, const std::vector<WantedForward>& wanted) override;
    void heed_asked();
    Result<ForwardSettings> judge(const WantedForward& wanted,
                                  const std::vector<ForwardSettings>& granted) const;
    Result<FtpForward> judge_ftp(const wire::FtpWish& wish, const ForwardSettings& forward) const;
    void grant(const std::vector<ForwardSettings>& granted);
    void say_denied(const std::vector<Denied>& before);
    void tell_state(const Forward& forward);
    bool may_tell_asked();
    std::string untold_asked();

    void stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) override;
    void stream_over(SessionDriver& driver, StreamId stream,
                     std::optional<ResetReason> reset) override;
    void carrier_ready(SessionDriver& driver) override;
    void carrier_lost(SessionDriver& driver, const std::string& why) override;
    void carrier_left(SessionDriver& driver) override;
    void session_ended(SessionDriver& driver, EndReason reason) override;

    SessionDriver* session_for_probe() override;
    void probed(ForwardId forward, const ProbeResult& result) override;
    void carriers_need_renewal(ForwardId forward, unsigned failures) override;

    // FTP (relay_home_ftp.cpp).
    Result<StreamId> open_ftp(const Forward& forward, UniqueFd visitor, Destination to);
    FtpClientOptions ftp_options(ForwardId id, const std::string& shown);
    void restore_ftp(StreamId stream, ForwardId id, UniqueFd visitor);
    Result<StreamId> open_ftp_of_visitor(const Forward& forward, Accepted visitor, Destination to,
                                         const FtpVisit& ftp);
    Result<StreamId> open_for(const Forward& forward, Accepted visitor, const Destination& to);
    std::optional<StreamId> stream_of(const std::string& visitor) const;
    bool give_to_visitor(SessionDriver& driver, StreamId stream, const Destination& to,
                         StreamId control);
    void stream_began(StreamId stream, const OpenStream& open);
    void ftp_is_used(StreamId control);
    void ftp_secured(ForwardId id);
    std::shared_ptr<FtpRange> make_ftp_range(const Forward& forward);
    void ftp_data_came(ForwardId id, const Destination& to, Accepted visitor);
    bool open_ftp_data(SessionDriver& driver, StreamId stream, const Destination& to);

    std::string gate_of(const OwnForward& own) const;
    void stand_behind_its_gate(OwnForward& own);
    SessionOptions options_of_session() const;
    void take(RelayHandshaker::Outcome outcome);
    void begin_session(const SessionId& id);
    void retire_driver(EndReason reason);
    void add_expected_forwards();
    void remove_expected_forwards();
    void home_left();
    bool may_tell_refusal(ForwardId forward);
    std::vector<ReachRule> reach_rules() const;
    struct NotReached {
        ResetReason reason;
        std::string why;
    };
    void refuse_to_reach(SessionDriver& driver, StreamId stream, const NotReached& how);
    void count_for_guard(const OpenStream& gone, const Forward& forward);
    std::string refusal_by_policy() const;
    std::string refusal_by_policy(const Forward& forward) const;
    void say_refused(Forward& forward, const std::string& visitor, ResetReason reason);
    LogFields fields(ForwardId forward = {}) const;

    RoleContext context_;
    const std::string name_;
    const RelaySettings& settings_;  // Not a copy: they list all homes of the relay.
    EventHub& events_;
    const VisitorNames& names_;
    VisitorGuard& guard_;
    decltype(House::open_to_visitor) open_to_visitor_;
    OnChanged on_changed_;
    std::function<void()> on_left_;  // Empty but while leaving.
    PeerKeys keys_;
    Permissions permissions_;
    // What the home has said last; nothing before it said anything to this process.
    std::optional<std::vector<WantedForward>> asked_;
    std::vector<Denied> denied_;
    TokenBucket asks_;  // Lists that are heeded at once.
    UvTimer asks_later_;
    TokenBucket asked_lines_;  // Of the log, about what came and went with them.
    std::uint64_t asked_untold_ = 0;
    Prober prober_;
    std::map<ForwardId, OwnForward> forwards_;
    std::vector<ForwardSettings> expected_;
    std::vector<ForwardId> of_session_;  // That go with it.
    std::uint64_t last_forward_ = 0;
    RateLimits rates_;
    FtpControls ftp_;
    std::unique_ptr<SessionDriver> driver_;
    std::vector<std::unique_ptr<SessionDriver>> former_;  // Saying goodbye.
    // The session that was given to a home which asked for one that is not there any more: all
    // carriers that ask for that one get the same.
    SessionId asked_for_{};
    SessionId given_{};
    std::map<StreamId, OpenStream> streams_;
    ReachedStreams reached_;      // That the home opens.
    TokenBucket reach_refusals_;  // Of the lines about those that it may not have.
    std::uint64_t reach_refusals_untold_ = 0;
    TokenBucket arrivals_;
    std::string last_loss_;
    std::optional<TimePoint> since_;  // Of the last coming or going.
    bool there_ = false;              // Data may flow, so visitors are let in.
    std::map<ForwardId, TimePoint> refusals_logged_;
    std::map<ForwardId, std::optional<Verdict>> last_verdicts_;
};

}  // namespace relay
