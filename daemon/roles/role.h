// What a role is to the program that runs it.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "common/base/random.h"
#include "common/session/arena.h"
#include "common/session/session.h"
#include "common/settings/settings.h"
#include "daemon/forwards/gates.h"
#include "daemon/identity/identity.h"
#include "daemon/io/loop.h"
#include "daemon/io/parking.h"
#include "daemon/log/log.h"
#include "daemon/operations.h"

namespace relay {

// What every role is built upon. All of it outlives the role.
struct RoleContext {
    Loop& loop;
    Log& log;
    Random& random;
    Arena& arena;                 // For all sessions of the process.
    SessionOptions sessions;      // How much memory they may have; the rest is the role's.
    const Identity& identity;     // Our own key.
    std::string state_dir;        // Where the role keeps what must survive a restart.
    std::string config_path;      // For messages; empty without one.
    std::string watch_path = {};  // Of the socket for ssh sessions, on a relay.
    Gates* gates = nullptr;       // What closes forwards to strangers; without it no gate can.
    Parking& parking;             // Where sockets outlive the process.
    // What a former process has left in its arena; null: nothing that could be gone on with.
    const ArenaRemains* remains;
};

// What the settings of a relay and of a home both say of sessions.
template <typename RoleSettings>
SessionOptions session_options(const RoleContext& context, const RoleSettings& settings) {
    SessionOptions options = context.sessions;
    options.ping_interval = settings.ping_interval;
    options.ping_deadline = settings.ping_deadline;
    options.keep = settings.keep_streams;
    return options;
}

class Role : public Operations {
public:
    // Reads the configuration again, and ends in apply(): the program knows how.
    using Reload = std::function<Result<ReloadSnapshot>()>;
    void reload_by(Reload reload) { reload_ = std::move(reload); }
    void reload(Completion<ReloadSnapshot> done) final { done(reload_()); }

    // Goes on with what a former process has left, and begins to listen or to dial. An error is
    // final: the program exits with it.
    virtual Status start() = 0;
    // Carriers close without a goodbye, so that the peer keeps the session; listeners close.
    virtual void stop() = 0;
    // Goes over to `settings`, and touches nothing that stays the same. Says what was changed and
    // what only a restart can change.
    virtual ReloadSnapshot apply(const Settings& settings) = 0;
    // Visitors and homes that came at run time, and may knock where gates name them.
    virtual std::vector<KnownPeer> known_peers() const { return {}; }
    // Called when they have changed.
    void peers_changed_by(std::function<void()> changed) { peers_changed_ = std::move(changed); }
    // One line for the service manager: "2 homes connected, 14 streams".
    virtual std::string status_line() const = 0;

    // Ends in good order, where streams end with the process anyway: says goodbye, then calls
    // `done`, once. stop() follows.
    virtual void wind_down(std::function<void()> done) { done(); }
    // What ends the program, with this exit code: a role may have nothing more to do.
    using End = std::function<void(int code)>;
    void end_by(End end) { end_ = std::move(end); }

protected:
    void end(int code) { end_(code); }
    void peers_changed() {
        if (peers_changed_) peers_changed_();
    }

private:
    End end_;
    Reload reload_;
    std::function<void()> peers_changed_;
};

}  // namespace relay
