// The home: keeps a session with its relay, or with each of several, and dials the targets that
// these ask for, as far as its own allow list permits.
#pragma once

#include <list>
#include <map>
#include <memory>

#include "daemon/checks/home_checkup.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/home_relay.h"
#include "daemon/roles/line_file.h"
#include "daemon/roles/role.h"

namespace relay {

class HomeRole final : public Role {
public:
    HomeRole(const RoleContext& context, const HomeSettings& settings);
    ~HomeRole() override;

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
    void probe(const ProbeSelector& which, Completion<std::vector<ProbeSnapshot>> done) override;
    void doctor(const DoctorSelector& which, Completion<std::vector<CheckSnapshot>> done) override;
    void subscribe(EventSink& sink) override { events_.subscribe(sink); }
    void unsubscribe(EventSink& sink) override { events_.unsubscribe(sink); }

private:
    void go_on();
    HomeRelay& add_relay(const std::string& name, HomeRelaySettings settings);
    void apply_relays(ReloadSnapshot& result);
    void dismiss(const std::string& name);
    Result<HomeRelay*> relay_with(const SessionSelector& which) const;
    std::vector<CheckSnapshot> with_sessions(HomeCheckup::Findings findings) const;
    void add_session_finding(Checklist& all, const HomeRelay& relay) const;

    RoleContext context_;
    HomeSettings settings_;
    EventHub events_;
    LineFile allow_file_;
    std::vector<AllowRule> more_allow_;  // Said at run time.
    HomeRelay::House house_;
    std::map<std::string, std::unique_ptr<HomeRelay>> relays_;  // By name; a single one has none.
    std::list<std::unique_ptr<HomeRelay>> leaving_;             // Saying goodbye.
    std::list<std::unique_ptr<HomeRelay>> left_;                // Destroyed outside of their calls.
    std::map<std::uint64_t, std::unique_ptr<HomeCheckup>> checkups_;  // Under way.
    std::uint64_t last_checkup_ = 0;
    std::vector<std::unique_ptr<HomeCheckup>> done_checkups_;  // Destroyed outside of their calls.
    Deferred sweep_;
    TimePoint started_;
};

}  // namespace relay
