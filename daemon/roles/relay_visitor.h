// One visitor that a relay knows: who it is, what it may reach, and its sessions, one for each of
// its processes (docs/PROTOCOL.md 8). Each of its streams goes by a connection of our own to the
// listener of a home's forward, so that the home's stream is like that of any other visitor.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/token_bucket.h"
#include "daemon/forwards/rate_limit.h"
#include "daemon/forwards/target_dialer.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/peer_keys.h"
#include "daemon/roles/policing.h"
#include "daemon/roles/role.h"
#include "daemon/roles/visitor_names.h"
#include "daemon/sessions/handshaker.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

// Whether the forward that a visitor comes to is of FTP, and its home lets visitors speak it.
enum class FtpThere { No, TooOld, Yes };

class RelayVisitor final : private SessionUser {
public:
    static constexpr std::size_t sessions_most = 64;

    // What all visitors of a relay share, and outlives them.
    struct House {
        const RoleContext& context;
        const RelaySettings& settings;
        EventHub& events;
        VisitorNames& names;
        // Where the forward listens that is asked for, if one of the rules names it.
        std::function<std::optional<HostPort>(const std::vector<ReachRule>&, const Destination&)>
            find_forward;
        // Whether that home is known not to encrypt end to end, as far as it was ever here.
        std::function<bool(const std::string& home)> cannot_seal;
        // Of the forward that listens there, if one of the rules names it.
        std::function<FtpThere(const std::vector<ReachRule>&, const HostPort& listener)> ftp_at;
    };
    struct Rules {
        std::vector<ReachRule> config;
        std::vector<ReachRule> runtime;
    };

    RelayVisitor(const House& house, std::string name);
    ~RelayVisitor() override;

    const std::string& name() const { return name_; }
    PeerKeys& keys() { return keys_; }
    const PeerKeys& keys() const { return keys_; }
    Rules& may_reach() { return may_reach_; }
    const Rules& may_reach() const { return may_reach_; }
    bool is_configured() const { return !keys_.config.keys.empty(); }

    const Policy& policy() const { return policy_of_visitor(house_.settings, name_); }
    // As RelayHome's, for one who is asked about first.
    bool may_come_again(TimePoint now) { return arrivals_.take(now); }
    bool has_session(const SessionId& id) { return find(id) != nullptr; }
    // A server of FTP has come to a port of its home's that stands for one of a client's, and what
    // is given for it goes on to that client, who is behind the control connection that comes from
    // this address. An error says why not.
    Result<UniqueFd> open_ftp_data(const std::string& control, const Destination& to);
    void settings_changed() { rates_.set(policy().rate); }

    // As RelayHome's.
    std::variant<Welcome, Refusal> welcome(const HomeProof& proof);
    void connected(RelayHandshaker::Outcome outcome);
    void go_on_with(const SessionRemains& remains);

    std::vector<const SessionDriver*> sessions() const;
    // The one with that id, or any; null: there is none.
    SessionDriver* session(const std::string& id = {}) const;
    bool online() const;
    std::optional<TimePoint> since() const { return since_; }
    // False: it has no such session.
    bool end_session(const std::string& id);
    void end_sessions(EndReason reason);
    void drop();
    // As RelayHome's.
    void leave(std::function<void()> on_left);
    void tell(std::string kind, std::string text, const SessionDriver* driver = nullptr) const;

    // What the session's record calls its owner: no home has such a name.
    static std::string owner_text(std::string_view name);

private:
    struct Stream {
        std::string from = {};  // Our end of the connection to the forward; empty: none yet.
        std::optional<PublicKey> sealed_for = {};  // If it is sealed end to end.
        HostPort listener = {};                    // Of the forward that it goes to.
        std::optional<FtpVisit> ftp = {};
    };
    struct Held {
        std::unique_ptr<SessionDriver> driver;
        std::map<StreamId, Stream> streams;
        std::unique_ptr<UvTimer> patience;  // Armed while there is neither carrier nor stream.
    };

    void stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) override;
    void stream_over(SessionDriver& driver, StreamId stream,
                     std::optional<ResetReason> reset) override;
    void carrier_ready(SessionDriver& driver) override;
    void carrier_lost(SessionDriver& driver, const std::string& why) override;
    void carrier_left(SessionDriver& driver) override;
    void session_ended(SessionDriver& driver, EndReason reason) override;

    // FTP (relay_visitor_ftp.cpp).
    bool may_speak(SessionDriver& driver, StreamId stream, const Stream& entry);
    void ftp_data_opened(Held& held, StreamId stream, const Destination& to);
    void note_left_ftp(Stream& entry, std::uint16_t version) const;

    void dial(Held& held, StreamId stream, Stream entry);
    std::vector<ReachRule> reach_rules() const;
    Held& hold(std::unique_ptr<SessionDriver> driver);
    Held* find(const SessionDriver& driver);
    Held* find(const SessionId& id);
    bool make_room();
    void be_patient(Held& held);
    void refuse(SessionDriver& driver, StreamId stream, const Destination& to);
    // By a rule of its own, whatever it wants to reach.
    void refuse(SessionDriver& driver, StreamId stream, const std::string& why);
    std::string refusal_by_policy() const;
    bool may_seal(SessionDriver& driver, StreamId stream, const Destination& to);
    bool may_tell_refusal();
    std::string untold_refusals();
    void forward_dialled(SessionDriver& driver, StreamId stream,
                         std::variant<UniqueFd, TargetDialer::Failure> result);
    std::optional<PublicKey> own_key() const;
    void comes_from(Held& held, StreamId stream, int fd);
    SessionOptions options_of_session() const;
    LogFields fields(const SessionDriver* driver) const;

    const House& house_;
    const RoleContext& context_;
    const std::string name_;
    PeerKeys keys_;
    Rules may_reach_;
    RateLimits rates_;
    std::vector<std::unique_ptr<Held>> sessions_;
    // Sessions that processes asked for and that are there no more, and what they were given: all
    // carriers of one process get the same.
    std::deque<std::pair<SessionId, SessionId>> given_;
    std::function<void()> on_left_;  // Empty but while leaving.
    TokenBucket arrivals_;
    TokenBucket refusals_;  // Of the lines about them.
    std::uint64_t refusals_untold_ = 0;
    std::optional<TimePoint> since_;  // Of the last coming or going.
};

}  // namespace relay
