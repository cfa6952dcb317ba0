// One forward of a relay: its listener, the visitors that wait for the home, its counters.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "common/base/forward_id.h"
#include "common/settings/settings.h"
#include "daemon/forwards/gates.h"
#include "daemon/forwards/hold_policy.h"
#include "daemon/forwards/visitor_guard.h"
#include "daemon/io/tcp_listener.h"

namespace relay {

// May not destroy the forward from within these calls.
class ForwardUser {
public:
    virtual ~ForwardUser() = default;
    // The home is there: open a stream for the visitor, whose socket is parked.
    virtual void visitor_came(ForwardId forward, Accepted visitor) = 0;
    // Was closed by a reset.
    virtual void visitor_turned_away(ForwardId forward, const std::string& address,
                                     const char* why) = 0;
    // The same, and so are all who come from there, of every guarded forward.
    virtual void source_refused(ForwardId /*forward*/, const std::string& /*address*/) {}
    // Nobody can be accepted for now, in the system's words; said with each try.
    virtual void visitors_wait_outside(ForwardId forward, const std::string& why) = 0;
    // The home has been away for the forward's grace: who waits for an answer should get one.
    virtual void grace_is_over(ForwardId forward) = 0;
    // Once for each change. Without the address it is tried again until it can be had.
    virtual void listening_changed(ForwardId forward) = 0;
};

class Forward {
public:
    struct Counters {
        std::uint64_t streams = 0;        // Open now.
        std::uint64_t streams_total = 0;  // Ever opened.
        std::uint64_t refused = 0;        // Visitors turned away, for whatever reason.
        std::uint64_t tls_clients = 0;  // Of an FTP forward: those that nobody can read along with.
    };

    // Listens with the first call of listen(). `loop`, `user`, `parking` and `guard` outlive it;
    // without a guard nobody is refused.
    Forward(Loop& loop, ForwardId id, const ForwardSettings& settings, ForwardUser& user,
            Parking& parking, VisitorGuard* guard = nullptr);
    ~Forward();
    Forward(const Forward&) = delete;
    Forward& operator=(const Forward&) = delete;

    // Before the first listen(), or later: listens only while `gates`, which outlive it, have the
    // gate in force; or goes on where a former process did, until they say otherwise. An empty
    // name: needs none.
    void stand_behind(Gates& gates, const std::string& gate);
    const std::string& gate() const { return gate_; }

    // Tries now; on failure it also tries again every second.
    Status listen();

    void home_came();
    void home_left();

    // A visitor that a former process had accepted, and done nothing with.
    void visitor_left_behind(Accepted visitor) { visitor_came(std::move(visitor)); }

    ForwardId id() const { return id_; }
    const ForwardSettings& settings() const { return settings_; }
    const std::string& listen_text() const { return listen_text_; }
    const std::string& target_text() const { return target_text_; }
    bool is_listening() const { return listener_ != nullptr; }
    const std::string& error() const { return error_; }  // Why it does not listen.
    // Where a visitor comes from that is counted, and refused if he guesses passwords.
    std::optional<IpAddress> guarded_source(const Accepted& visitor) const;
    Counters& counters() { return counters_; }
    const Counters& counters() const { return counters_; }

private:
    Result<std::unique_ptr<TcpListener>> open_listener();
    void gate_changed();
    bool may_listen() const;
    Error not_closed() const;
    void visitor_came(Accepted visitor);
    bool is_refused(const Accepted& visitor);
    void turn_away(Accepted visitor, const char* why);
    void patience_ended();
    void arm_patience();

    Loop& loop_;
    const ForwardId id_;
    const ForwardSettings settings_;
    const std::string listen_text_;
    const std::string target_text_;
    ForwardUser& user_;
    Parking& parking_;
    VisitorGuard* guard_;
    const bool is_guarded_;
    HoldPolicy policy_;
    std::string gate_;
    std::unique_ptr<GateHold> hold_;  // Where there is a gate.
    bool goes_on_ = false;            // Behind it, as a former process was.
    std::unique_ptr<TcpListener> listener_;
    std::string error_;
    std::list<Accepted> held_;
    Counters counters_;
    UvTimer patience_;
    UvTimer retry_;
};

}  // namespace relay
