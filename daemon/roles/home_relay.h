// What a home has with one relay: the ways there, the session if there is one, the targets that the
// relay asks for, the forwards that it is asked for, and listeners of the home's own. A home with
// several relays has one of these for each, and none of them knows the others.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/token_bucket.h"
#include "common/control/snapshot.h"
#include "daemon/forwards/ftp_pump.h"
#include "daemon/forwards/measured_stream.h"
#include "daemon/forwards/target_dialer.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/home_listeners.h"
#include "daemon/roles/role.h"
#include "daemon/roles/seal_answer.h"
#include "daemon/roles/uplinks.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class HomeRelay final : private SessionUser {
public:
    // What all relays of a home share, and outlives them.
    struct House {
        const RoleContext& context;
        const HomeSettings& settings;  // Whom it lets dial what, and how long that may take.
        const std::vector<AllowRule>& more_allow;  // Said at run time.
        EventHub& events;
    };

    // `name`: empty for the only one.
    HomeRelay(const House& house, std::string name, const HomeRelaySettings& settings);
    ~HomeRelay() override;

    const std::string& name() const { return name_; }
    const HomeRelaySettings& settings() const { return settings_; }

    // In this order: listens; goes on with a session of a former process, if there is one; dials.
    void listen();
    void go_on_with(const SessionRemains& remains);
    // A connection that a former process had accepted and done nothing with. False: not ours.
    bool take_untouched(UniqueFd& socket) { return listeners_.take_untouched(socket); }
    void begin();
    void stop();
    // The home has nothing to do with this relay any more: takes its forwards back and says
    // goodbye. `on_left` follows, perhaps within the call, and must not destroy it.
    void leave(std::function<void()> on_left);
    void apply(const HomeRelaySettings& next, ReloadSnapshot& result);

    SessionDriver* driver() { return driver_.get(); }
    const SessionDriver* driver() const { return driver_.get(); }
    bool attached() const { return driver_ && driver_->attached(); }
    const std::string& endpoint() const { return endpoint_; }  // Whom the session is with.
    std::string session_text() const;
    std::string carriers_text() const;
    std::vector<std::string> problems() const;
    std::vector<std::string> problems_of_way() const { return uplinks_.problems(); }

    void list_sessions(std::vector<SessionSnapshot>& into) const;
    void list_streams(std::vector<StreamSnapshot>& into) const;
    void list_forwards(std::vector<ForwardSnapshot>& into) const;

private:
    struct Opened {
        Destination to;
        TimePoint since;
        bool is_ftp = false;  // A control connection.
    };

    void stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) override;
    void stream_over(SessionDriver& driver, StreamId stream,
                     std::optional<ResetReason> reset) override;
    void carrier_ready(SessionDriver& driver) override;
    void carrier_lost(SessionDriver& driver, const std::string& why) override;
    void carrier_left(SessionDriver& driver) override;
    void session_ended(SessionDriver& driver, EndReason reason) override;
    void forward_told(SessionDriver& driver, const ForwardTold& told) override;

    void connected(Uplink::Connected connected);
    void begin_session(const SessionId& id);
    void dial_again(EndReason after);
    SessionOptions options_of_session() const;
    void want_forwards();
    bool is_own_target(const Destination& to) const;
    ForwardSnapshot snapshot_of(const ForwardSettings& forward) const;
    using MayDial = std::function<bool(const std::string& address)>;
    void dial(SessionDriver& driver, StreamId stream, const Opened& opened, MayDial may_dial);
    void dial_allowed(SessionDriver& driver, StreamId stream, const Opened& opened);
    // FTP (home_relay_ftp.cpp).
    void open_ftp_data(SessionDriver& driver, StreamId stream, const Destination& to);
    void serve_ftp(StreamId stream, UniqueFd server);
    void restore_ftp(StreamId stream, UniqueFd server);
    FtpDataCame ftp_data_comes();
    void refuse_ftp_data(SessionDriver& driver, StreamId stream, const Destination& to,
                         const std::string& why);
    void ftp_data_came(const Destination& to, Accepted server);
    // Of visitors that seal (home_ftp_seals.cpp).
    class SealedServer;
    static std::string ftp_mark(const Opened& opened) { return opened.is_ftp ? "ftp:" : ""; }
    Status approve_ftp_data(StreamId control, const Destination& to, const PublicKey& visitor,
                            const std::string& asked) const;
    std::unique_ptr<SealAnswer> answer_ftp_data(SessionDriver& driver, StreamId stream,
                                                const Destination& to,
                                                std::function<void()> sealed);
    void open_sealed_ftp_data(SessionDriver& driver, StreamId stream, const Destination& to,
                              const Destination& server);
    Result<StreamId> open_to_ftp_client(const Destination& to, UniqueFd server);
    void target_dialled(StreamId stream, std::variant<UniqueFd, TargetDialer::Failure> result);
    void refuse(StreamId stream, const Destination& to);
    // What is sealed end to end (home_seals.cpp).
    void answer_sealed(SessionDriver& driver, StreamId stream, const Opened& opened);
    Status approve(const Destination& to, const PublicKey& visitor) const;
    void refuse_sealed(SessionDriver& driver, StreamId stream, const Destination& to,
                       const Error& why);
    void refuse_unsealed(SessionDriver& driver, StreamId stream, const Destination& to);
    bool may_tell_refusal();
    std::string untold_refusals();
    bool may_dial_name(const Destination& to) const;
    bool may_dial_address(const std::string& address, std::uint16_t port) const;
    void tell(std::string kind, std::string text, std::string address = {});
    void tell_opened(StreamId stream, const Destination& to);
    LogFields fields() const;

    const House& house_;
    const RoleContext& context_;
    const std::string name_;
    HomeRelaySettings settings_;
    Uplinks uplinks_;
    FtpControls ftp_;
    std::unique_ptr<SessionDriver> driver_;
    std::unique_ptr<SessionDriver> former_;  // One that the relay has forgotten.
    std::map<StreamId, Opened> opened_;
    HomeListeners listeners_;
    std::map<HostPort, ForwardTold> told_;  // What became of our forwards, by their listeners.
    MeasuringAnswers measurings_;
    std::string endpoint_;
    std::function<void()> on_left_;  // Empty but while leaving.
    TokenBucket refusals_;           // Of the lines about them.
    std::uint64_t refusals_untold_ = 0;
};

}  // namespace relay
