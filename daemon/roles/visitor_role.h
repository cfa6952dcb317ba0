// The visitor: keeps a session with a relay, listens for programs of its own machine, and opens a
// stream to a home's forward for each connection (docs/PROTOCOL.md 8).
#pragma once

#include <list>
#include <map>
#include <memory>

#include "daemon/forwards/forward.h"
#include "daemon/forwards/ftp_stream.h"
#include "daemon/forwards/measured_stream.h"
#include "daemon/forwards/socks_visitor.h"
#include "daemon/io/stdio_bridge.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/home_trust.h"
#include "daemon/roles/role.h"
#include "daemon/roles/seal_opening.h"
#include "daemon/roles/uplinks.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class VisitorRole final : public Role, private SessionUser, private ForwardUser {
public:
    VisitorRole(const RoleContext& context, const VisitSettings& settings);
    ~VisitorRole() override;

    Status start() override;
    void stop() override;
    void wind_down(std::function<void()> done) override;
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
    class ComingEnd;
    class SocksEnd;
    class StdioEnd;
    // What a stream is of FTP, whose client's end we are.
    struct FtpPart {
        enum class Kind { None, Control, Data };
        Kind kind = Kind::None;
        StreamId control = {};  // Of a data connection, and the server's port.
        std::uint16_t port = 0;
    };
    struct Opened {
        ForwardId forward;  // 0: none, it is that of standard input.
        HostPort to;
        std::string from;
        TimePoint since;
        FtpPart ftp = {};
        std::string why = {};  // It was reset, where that says more than the reason.
        bool goes_on = false;  // As another stream.
    };

    // The session (visitor_role.cpp).
    void connected(Uplink::Connected connected);
    void begin_session(const SessionId& id);
    void carrier_ready(SessionDriver& driver) override;
    void carrier_lost(SessionDriver& driver, const std::string& why) override;
    void carrier_left(SessionDriver& driver) override;
    void session_ended(SessionDriver& driver, EndReason reason) override;
    void left();
    void refused(const std::string& why);
    std::string how_to_let_in() const;
    LogFields fields() const;
    std::string session_text() const;
    void tell(std::string kind, std::string text);

    // Listeners and streams (visitor_streams.cpp).
    ForwardId add_forward(const ForwardSettings& settings);
    void apply_forwards(const VisitSettings& next, ReloadSnapshot& result);
    void visitor_came(ForwardId forward, Accepted visitor) override;
    void visitor_turned_away(ForwardId forward, const std::string& address,
                             const char* why) override;
    void visitors_wait_outside(ForwardId forward, const std::string& why) override;
    void grace_is_over(ForwardId forward) override;
    void listening_changed(ForwardId forward) override;
    void stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) override;
    void stream_over(SessionDriver& driver, StreamId stream,
                     std::optional<ResetReason> reset) override;
    void opened(StreamId stream, Opened entry);
    void say_reset(const Opened& stream, ResetReason reason);

    // End to end (visitor_seals.cpp).
    Result<bool> seals(const std::string& host) const;
    Status unsealed_to(const std::string& host) const;
    Destination destination(const Opened& entry, bool sealed) const;
    std::unique_ptr<SealOpening> seal(StreamId stream, const Opened& entry,
                                      std::function<void()> sealed);
    Status approve(StreamId stream, const Opened& entry, const PublicKey& home,
                   const std::string& target);
    bool may_go_unsealed(StreamId stream, const HostPort& to, ResetReason reason);
    void open(UniqueFd socket, Opened entry, bool sealed);
    void open_patiently(UniqueFd socket, Opened entry, bool sealed);
    void connect(StreamId stream, const Opened& entry, UniqueFd socket);
    void not_opened(const Opened& entry, const Error& why);

    // FTP (visitor_ftp.cpp).
    bool speaks_ftp(const ForwardSettings& forward) const;
    bool is_to_speak_ftp(const Opened& entry, ResetReason reason);
    std::string ftp_asked(const Opened& entry) const;
    FtpClientOptions ftp_options(const Opened& control);
    void ftp_data_came(const Opened& control, StreamId stream, std::uint16_t port, Accepted client);
    bool ftp_data_opened(SessionDriver& driver, StreamId stream, const Destination& to);
    void dial_ftp_client(StreamId stream, const HostPort& client);
    void ftp_client_dialled(StreamId stream, std::variant<UniqueFd, TargetDialer::Failure> result);

    // SOCKS5, and standard input (visitor_doors.cpp).
    void socks_came(ForwardId forward, Accepted visitor);
    void socks_asked(ForwardId forward, std::string from, UniqueFd socket, const HostPort& to);
    void open_socks(UniqueFd socket, Opened entry, bool sealed);
    void open_stdio_stream(UniqueFd socket, bool sealed);
    void socks_connected(StreamId stream, UniqueFd socket);
    Status open_stdio();
    void stdio_ready();
    void give_up_stdio(const std::string& why);
    void stdio_over(int code);
    void end_stdio_if_over();

    // What a former process has left (visitor_restore.cpp).
    void go_on();
    void go_on_with(const SessionRemains& remains);
    std::optional<ForwardId> forward_by_which_came(int visitor) const;

    RoleContext context_;
    VisitSettings settings_;
    EventHub events_;
    Uplinks uplinks_;
    FtpControls ftp_;
    std::unique_ptr<SessionDriver> driver_;
    std::unique_ptr<SessionDriver> former_;  // One that the relay has forgotten.
    bool there_ = false;                     // Data may flow, so connections are let in.
    std::map<ForwardId, std::unique_ptr<Forward>> forwards_;
    ForwardId dynamic_{};  // The one where SOCKS5 is spoken.
    std::uint64_t last_forward_ = 0;
    std::map<StreamId, Opened> streams_;
    std::map<HostPort, bool> found_ftp_;              // Or not, by what this relay has let us open.
    std::list<std::unique_ptr<SocksVisitor>> socks_;  // That have not asked yet.
    std::list<std::unique_ptr<SocksVisitor>> socks_done_;  // Destroyed outside of their callbacks.
    std::unique_ptr<StdioBridge> stdio_;
    bool stdio_opened_ = false;
    bool output_over_ = false;
    std::optional<int> stdio_code_;  // Once its stream is over.
    std::function<void()> on_wound_down_;
    std::string relay_;                // Whom the session is with,
    std::uint16_t relay_version_ = 0;  // and what it speaks.
    HomeTrust trust_{context_.log, context_.state_dir + "/known_homes"};
    MeasuringAnswers measurings_{context_.loop};
    Deferred sweep_;
    UvTimer stdio_patience_;
    TimePoint started_;
};

}  // namespace relay
