// All that an operator can ask of relayd, whatever role it has. daemon/control is a skin over it;
// each role implements it. Everything happens on the loop's thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/control/request.h"
#include "common/control/snapshot.h"

namespace relay {

// Called exactly once, on the loop; at once or later. Safe to call when whoever asked has gone.
// Must be dropped, not kept, when the operations end first.
template <typename T>
using Completion = std::function<void(Result<T>)>;

// Hears of each event as it happens. May unsubscribe itself or others, and ask operations, while it
// hears.
class EventSink {
public:
    virtual ~EventSink() = default;
    virtual void event_happened(const EventSnapshot& event) = 0;
};

// What a role has no notion of (forwards on a home) is answered by Unsupported, with a sentence
// that says where to ask instead. Every text of a request comes from outside: errors say what is
// wrong with it, what is allowed, and where it fits the command to type next.
class Operations {
public:
    virtual ~Operations() = default;

    virtual StatusSnapshot status() = 0;
    virtual std::vector<SessionSnapshot> sessions() = 0;
    virtual std::vector<StreamSnapshot> streams() = 0;
    virtual Result<std::vector<ForwardSnapshot>> forwards() = 0;
    virtual Result<std::vector<HomeSnapshot>> homes() = 0;
    virtual Result<std::vector<VisitorSnapshot>> visitors() = 0;
    virtual Result<std::vector<AllowSnapshot>> allow() = 0;

    // A range adds several, all of them or none. The answer shows them as they are now: one that
    // cannot listen is refused, with the system's words. Kept over a restart unless temporary.
    virtual void add_forward(const AddForward& request,
                             Completion<std::vector<ForwardSnapshot>> done) = 0;
    // Closes listeners; streams that came by them go on. The answer shows what was removed. What
    // the configuration file holds can only be removed there: Refused.
    virtual Result<std::vector<ForwardSnapshot>> remove_forward(const ForwardSelector& which) = 0;

    // Ends the session and its streams. The home will dial in again.
    virtual Status close_session(const SessionSelector& which) = 0;
    virtual Status close_stream(const StreamSelector& which) = 0;

    // A key for a name that is known already is one more key of that home.
    virtual Result<HomeSnapshot> add_home(const AddHome& request) = 0;
    // Also ends its session, removes its run-time forwards, and revokes its invitation.
    virtual Status remove_home(std::string_view name) = 0;

    // A visitor that is known already gets one more key, or may reach more.
    virtual Result<VisitorSnapshot> add_visitor(const AddVisitor& request) = 0;
    // Also ends its sessions.
    virtual Status remove_visitor(std::string_view name) = 0;

    // Invites a home, in place of a former invitation for that name. The token is in this answer
    // only.
    virtual Result<InvitationSnapshot> add_invitation(const AddInvitation& request) = 0;
    virtual Result<std::vector<InvitationSnapshot>> invitations() = 0;
    virtual Status remove_invitation(std::string_view home) = 0;

    // On a home: adds a target to those it may be asked to dial. Kept over a restart.
    virtual Result<AllowSnapshot> add_allow(std::string_view target) = 0;

    // Sources of visitors that a relay has counted of late, or refuses.
    virtual Result<std::vector<GuardedSnapshot>> guard() { return no_guard(); }
    // By an address of it.
    virtual Status release_source(std::string_view) { return no_guard(); }

    // Asks the other end of a session for a sign of life. No answer in time is an answer, too.
    virtual void ping(const AskPing&, Completion<PingSnapshot> done) { done(no_sessions()); }
    // Measures how much a session carries, one way, for a while. It ends early when nobody asks
    // for it any more.
    virtual Result<BenchSnapshot> start_bench(const StartBench&) { return no_sessions(); }
    virtual Result<BenchSnapshot> bench(const BenchSelector&) { return no_sessions(); }
    virtual Status stop_bench(const BenchSelector&) { return no_sessions(); }

    // Probes now, several at once. A target that does not serve is an answer, not an error.
    virtual void probe(const ProbeSelector& which, Completion<std::vector<ProbeSnapshot>> done) = 0;
    // Walks the whole way, as far as it is ours: each check is made now. What is broken is an
    // answer, not an error.
    virtual void doctor(const DoctorSelector& which,
                        Completion<std::vector<CheckSnapshot>> done) = 0;
    // Reads the configuration file again. With errors in it, all of them are in the text, a line
    // each, and nothing is changed.
    virtual void reload(Completion<ReloadSnapshot> done) = 0;

    // `sink` outlives its subscription.
    virtual void subscribe(EventSink& sink) = 0;
    virtual void unsubscribe(EventSink& sink) = 0;

private:
    static Error no_guard() {
        return {ErrorCode::Unsupported, "visitors come to a relay: ask relayctl there"};
    }
    static Error no_sessions() {
        return {ErrorCode::Unsupported, "a relay measures its sessions: ask relayctl there"};
    }
};

}  // namespace relay
