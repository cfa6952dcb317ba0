// The home: keeps a session with its relay, and dials the targets that the relay asks for, as far
// as its own allow list permits.
#pragma once

#include <map>
#include <memory>

#include "common/base/token_bucket.h"
#include "daemon/forwards/target_dialer.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/line_file.h"
#include "daemon/roles/role.h"
#include "daemon/roles/uplinks.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class HomeRole final : public Role, private SessionUser {
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
    class Dialling;
    struct Opened {
        Destination to;
        TimePoint since;
    };

    void stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) override;
    void stream_over(SessionDriver& driver, StreamId stream,
                     std::optional<ResetReason> reset) override;
    void carrier_ready(SessionDriver& driver) override;
    void carrier_lost(SessionDriver& driver, const std::string& why) override;
    void session_ended(SessionDriver& driver, EndReason reason) override;

    void go_on();
    void go_on_with(const SessionRemains& remains);
    void connected(Uplink::Connected connected);
    void begin_session(const SessionId& id);
    void target_dialled(StreamId stream, std::variant<UniqueFd, TargetDialer::Failure> result);
    void refuse(StreamId stream, const Destination& to);
    bool may_tell_refusal();
    std::string untold_refusals();
    bool may_dial_name(const Destination& to) const;
    bool may_dial_address(const std::string& address, std::uint16_t port) const;
    void tell(std::string kind, std::string text);
    LogFields fields() const;
    std::string session_text() const;
    std::string carriers_text() const;

    RoleContext context_;
    HomeSettings settings_;
    EventHub events_;
    LineFile allow_file_;
    std::vector<AllowRule> more_allow_;  // Said at run time.
    Uplinks uplinks_;
    std::unique_ptr<SessionDriver> driver_;
    std::unique_ptr<SessionDriver> former_;  // One that the relay has forgotten.
    std::map<StreamId, Opened> opened_;
    std::string relay_;  // Whom the session is with.
    TokenBucket refusals_;
    std::uint64_t refusals_untold_ = 0;
    TimePoint started_;
};

}  // namespace relay
