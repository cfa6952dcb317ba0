// The relay: accepts homes, keeps a session with each, and listens for their visitors; accepts
// visitors that dial in, too.
#pragma once

#include <list>
#include <map>
#include <memory>

#include "daemon/carriers/acceptor.h"
#include "daemon/roles/accept_hook.h"
#include "daemon/roles/door_log.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/last_refusals.h"
#include "daemon/roles/line_file.h"
#include "daemon/roles/measurements.h"
#include "daemon/roles/relay_home.h"
#include "daemon/roles/relay_visitors.h"
#include "daemon/roles/role.h"
#include "daemon/roles/runtime_state.h"
#include "daemon/sessions/handshaker.h"
#include "daemon/watches/watched_ports.h"

namespace relay {

// How a relay turns away whoever has no key that it knows, or not from there. Always the same
// words.
Refusal unknown_key();
Refusal not_from(const std::string& address);
// To a home that shows a visitor's key, or the other way round.
Refusal known_as(PeerKind kind, const std::string& name);

class RelayCheckup;

class RelayRole final : public Role {
public:
    RelayRole(const RoleContext& context, const Settings& settings);
    ~RelayRole() override;

    Status start() override;
    void stop() override;
    ReloadSnapshot apply(const Settings& settings) override;
    std::string status_line() const override;
    std::vector<KnownPeer> known_peers() const override;

    StatusSnapshot status() override;
    std::vector<SessionSnapshot> sessions() override;
    std::vector<StreamSnapshot> streams() override;
    Result<std::vector<ForwardSnapshot>> forwards() override;
    Result<std::vector<HomeSnapshot>> homes() override;
    Result<std::vector<AllowSnapshot>> allow() override;
    void add_forward(const AddForward& request,
                     Completion<std::vector<ForwardSnapshot>> done) override;
    Result<std::vector<ForwardSnapshot>> remove_forward(const ForwardSelector& which) override;
    Status close_session(const SessionSelector& which) override;
    Status close_stream(const StreamSelector& which) override;
    Result<HomeSnapshot> add_home(const AddHome& request) override;
    Status remove_home(std::string_view name) override;
    Result<std::vector<VisitorSnapshot>> visitors() override;
    Result<VisitorSnapshot> add_visitor(const AddVisitor& request) override;
    Status remove_visitor(std::string_view name) override;
    Result<InvitationSnapshot> add_invitation(const AddInvitation& request) override;
    Result<std::vector<InvitationSnapshot>> invitations() override;
    Status remove_invitation(std::string_view home) override;
    Result<AllowSnapshot> add_allow(std::string_view target) override;
    Result<std::vector<GuardedSnapshot>> guard() override;
    Status release_source(std::string_view address) override;
    void ping(const AskPing& request, Completion<PingSnapshot> done) override;
    Result<BenchSnapshot> start_bench(const StartBench& request) override;
    Result<BenchSnapshot> bench(const BenchSelector& which) override;
    Status stop_bench(const BenchSelector& which) override;
    void probe(const ProbeSelector& which, Completion<std::vector<ProbeSnapshot>> done) override;
    void doctor(const DoctorSelector& which, Completion<std::vector<CheckSnapshot>> done) override;
    void subscribe(EventSink& sink) override { events_.subscribe(sink); }
    void unsubscribe(EventSink& sink) override { events_.unsubscribe(sink); }

private:
    // Forwards of one request, all of them or none.
    struct Added {
        std::string home;
        std::vector<ForwardId> forwards;
    };
    struct Selected {
        RelayHome* home;
        ForwardId forward;
    };

    void open_watches();
    void go_on_with_sessions();
    void settle_what_is_left();
    Result<TlsCertificate> certificate() const;
    Status load_runtime_state();
    Status save_forwards() const;
    Status save_homes() const;  // And their invitations, in one step.
    Status load_home_line(const std::string& line);
    RelayHome& home_named(const std::string& name);  // Made if there is none.
    void configure_home(const std::string& name, const HomeEntry& entry);
    void apply_homes(const RelaySettings& next, ReloadSnapshot& result);
    void apply_home(RelayHome& home, const HomeEntry& next, ReloadSnapshot& result);
    void apply_listeners(const RelaySettings& next, ReloadSnapshot& result);

    void accepted(std::unique_ptr<Carrier> carrier, Admission admission);
    // What becomes of one who has proved a key: by what we know (first half), and by whoever is
    // asked about it (relay_accepting.cpp).
    using Verdict = RelayHandshaker::Verdict;
    Verdict decide(RelayHandshaker& handshaker, const HomeProof& proof, const CarrierInfo& carrier);
    Verdict admit(const HomeProof& proof, const std::string& address, bool was_asked);
    Verdict admit(RelayVisitor& visitor, const HomeProof& proof, const std::string& address,
                  bool was_asked);
    void ask_hook(RelayHandshaker& handshaker, const HomeProof& proof, const CarrierInfo& carrier);
    void hook_answered(RelayHandshaker& handshaker, const HomeProof& proof,
                       const AcceptHookRunner::Verdict& verdict);
    void tell_hook_failure(const std::string& name, const std::string& address,
                           const std::string& fault);
    std::string lie_of(const RelayHome& home, const AcceptHookRunner::Verdict& verdict) const;
    void introduced(RelayHandshaker& handshaker, RelayHandshaker::Outcome outcome);
    std::variant<Welcome, Refusal> enrol(const HomeProof& proof, const CarrierInfo& carrier);
    Status register_home(const RuntimeInvitation& invitation, const PublicKey& key);
    void forget_expired_invitations();
    const RuntimeInvitation* invitation_with(const PublicKey& key) const;
    Status keep_invitation(const RuntimeInvitation& invitation, std::vector<std::string>& notes);
    Status check_invited(const std::string& home, const RuntimeInvitation::Forward& forward) const;
    Endpoint public_endpoint(std::vector<std::string>& notes) const;
    Refusal refused_by_rule(const HomeProof& proof, const std::string& name,
                            const std::string& address, const std::string& why);
    bool may_dial_in(RelayHome& home, const PublicKey& key, const std::string& address);
    bool cannot_seal(const std::string& home) const;
    std::optional<HostPort> find_forward(const std::vector<ReachRule>& rules,
                                         const Destination& to) const;
    FtpThere ftp_at(const std::vector<ReachRule>& rules, const HostPort& listener) const;
    Result<UniqueFd> open_to_visitor(const std::string& name, const std::string& control,
                                     const Destination& to);
    void list_reached(const RelayHome& home, std::vector<StreamSnapshot>& into) const;
    bool is_forward_at(const HostPort& listen) const;
    std::optional<HostPort> find_target(const std::vector<ReachRule>& rules,
                                        const Destination& to) const;
    RelayHome* home_with(const PublicKey& key) const;
    void dismiss(const std::string& name);  // Everything of that home ends.
    std::optional<CheckSnapshot> refusal_check(const std::string& home) const;
    std::vector<CheckSnapshot> with_what_is_missing(std::vector<CheckSnapshot> checks,
                                                    std::size_t left_off) const;
    void note_unknown(const HomeProof& proof, const std::string& address);
    void say_unknown(const HomeProof& proof, const std::string& address);

    Result<Measurements::Subject> subject_named(const std::string& session) const;
    Result<Added> begin_forwards(const AddForward& request);
    Result<std::vector<ForwardSnapshot>> finish_forwards(const Added& added);
    Result<RelayHome*> home_for_forward(const std::string& name) const;
    Result<std::vector<Selected>> select(const std::string& home, const std::string& listen) const;
    ForwardSnapshot snapshot_of(const RelayHome& home, ForwardId forward) const;
    std::optional<ProbeSnapshot> last_probe(const RelayHome& home, ForwardId forward) const;
    static ProbeSnapshot snapshot_of(const RelayHome& home, const Forward& forward,
                                     const ProbeResult& result);
    HomeSnapshot snapshot_of(const RelayHome& home) const;

    RoleContext context_;
    RelaySettings settings_;
    EventHub events_;
    std::unique_ptr<WatchedPorts> watches_;
    VisitorGuard guard_;
    LineFile homes_file_;
    LineFile forwards_file_;
    VisitorNames visitor_names_;
    const RelayVisitor::House house_;
    RelayVisitors visitors_;
    Measurements measurements_{context_.loop};
    AcceptHookRunner accept_hook_{context_.loop};
    DoorLog door_log_;
    std::unique_ptr<Acceptor> acceptor_;
    std::map<std::string, std::unique_ptr<RelayHome>> homes_;
    std::map<std::string, RuntimeInvitation> invitations_;  // By the home's name.
    std::list<std::unique_ptr<RelayHome>> leaving_;         // Saying goodbye.
    std::list<std::unique_ptr<RelayHandshaker>> handshakers_;
    // Whom the accept hook is asked about, by numbers that never come again as addresses do.
    std::map<std::uint64_t, RelayHandshaker*> asked_about_;
    std::uint64_t last_asked_about_ = 0;
    std::list<std::unique_ptr<RelayHandshaker>> done_;  // Destroyed outside of their callbacks.
    std::list<std::unique_ptr<RelayHome>> left_;        // Likewise.
    std::map<std::uint64_t, std::unique_ptr<RelayCheckup>> checkups_;  // Under way.
    std::uint64_t last_checkup_ = 0;
    std::list<std::unique_ptr<RelayCheckup>> done_checkups_;  // As done_.
    LastRefusals last_refusals_;
    Deferred sweep_;
    std::map<std::string, TimePoint> unknown_logged_;  // By address: one line now and then.
    TimePoint started_;
};

}  // namespace relay
