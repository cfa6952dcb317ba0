// The relay: accepts homes, keeps a session with each, and listens for their visitors.
#pragma once

#include <list>
#include <map>
#include <memory>

#include "daemon/carriers/acceptor.h"
#include "daemon/roles/door_log.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/line_file.h"
#include "daemon/roles/relay_home.h"
#include "daemon/roles/role.h"
#include "daemon/roles/runtime_state.h"
#include "daemon/sessions/handshaker.h"

namespace relay {

// How a relay turns away whoever has no key that it knows, or not from there. Always the same
// words.
Refusal unknown_key();
Refusal not_from(const std::string& address);

class RelayRole final : public Role {
public:
    RelayRole(const RoleContext& context, const Settings& settings);
    ~RelayRole() override;

    Status start() override;
    void stop() override;
    ReloadSnapshot apply(const Settings& settings) override;
    std::string status_line() const override;

    StatusSnapshot status() override;
    std::vector<SessionSnapshot> sessions() override;
    std::vector<StreamSnapshot> streams() override;
    Result<std::vector<ForwardSnapshot>> forwards() override;
    Result<std::vector<HomeSnapshot>> homes() override;
    Result<std::vector<AllowSnapshot>> allow() override;
    Result<std::vector<ForwardSnapshot>> add_forward(const AddForward& request) override;
    Result<std::vector<ForwardSnapshot>> remove_forward(const ForwardSelector& which) override;
    Status close_session(const SessionSelector& which) override;
    Status close_stream(const StreamSelector& which) override;
    Result<HomeSnapshot> add_home(const AddHome& request) override;
    Status remove_home(std::string_view name) override;
    Result<InvitationSnapshot> add_invitation(const AddInvitation& request) override;
    Result<std::vector<InvitationSnapshot>> invitations() override;
    Status remove_invitation(std::string_view home) override;
    Result<AllowSnapshot> add_allow(std::string_view target) override;
    void probe(const ProbeSelector& which, Completion<std::vector<ProbeSnapshot>> done) override;
    void subscribe(EventSink& sink) override { events_.subscribe(sink); }
    void unsubscribe(EventSink& sink) override { events_.unsubscribe(sink); }

private:
    struct Selected {
        RelayHome* home;
        ForwardId forward;
    };

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
    std::variant<Welcome, Refusal> decide(const HomeProof& proof, const CarrierInfo& carrier);
    void introduced(RelayHandshaker& handshaker, RelayHandshaker::Outcome outcome);
    std::variant<Welcome, Refusal> enrol(const HomeProof& proof, const CarrierInfo& carrier);
    Status register_home(const RuntimeInvitation& invitation, const PublicKey& key);
    void forget_expired_invitations();
    const RuntimeInvitation* invitation_with(const PublicKey& key) const;
    Status keep_invitation(const RuntimeInvitation& invitation, std::vector<std::string>& notes);
    Status check_invited(const std::string& home, const RuntimeInvitation::Forward& forward) const;
    Endpoint public_endpoint(std::vector<std::string>& notes) const;
    bool may_dial_in(RelayHome& home, const PublicKey& key, const std::string& address);
    RelayHome* home_with(const PublicKey& key) const;
    void dismiss(const std::string& name);  // Everything of that home ends.
    void say_unknown(const HomeProof& proof, const std::string& address);

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
    LineFile homes_file_;
    LineFile forwards_file_;
    DoorLog door_log_;
    std::unique_ptr<Acceptor> acceptor_;
    std::map<std::string, std::unique_ptr<RelayHome>> homes_;
    std::map<std::string, RuntimeInvitation> invitations_;  // By the home's name.
    std::list<std::unique_ptr<RelayHome>> leaving_;         // Saying goodbye.
    std::list<std::unique_ptr<RelayHandshaker>> handshakers_;
    std::list<std::unique_ptr<RelayHandshaker>> done_;  // Destroyed outside of their callbacks.
    std::list<std::unique_ptr<RelayHome>> left_;        // Likewise.
    Deferred sweep_;
    std::map<std::string, TimePoint> unknown_logged_;  // By address: one line now and then.
    TimePoint started_;
};

}  // namespace relay
