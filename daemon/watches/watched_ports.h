// The homes that are ssh sessions of this machine: each has a command, relayctl watch, that
// registers the session's port here, reports its probes, and ends the session when it is told to.
// docs/CONTROL.md has the protocol, docs/decisions/0013 the reasons.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/control/snapshot.h"
#include "daemon/io/timer.h"
#include "daemon/io/unix_listener.h"
#include "daemon/log/log.h"
#include "daemon/watches/registration.h"
#include "daemon/watches/watcher_user.h"

namespace relay {

class WatchedPorts final : public WatcherUser {
public:
    static constexpr std::size_t max_watchers = 256;
    static constexpr std::size_t max_watchers_of_user = 32;

    using OnEvent = std::function<void(const EventSnapshot&)>;
    struct Context {
        Loop& loop;
        Log& log;
        Random& random;
        OnEvent on_event;
    };

    // What the context refers to outlives it.
    static Result<std::unique_ptr<WatchedPorts>> open(const Context& context,
                                                      const std::string& path);
    ~WatchedPorts() override;
    WatchedPorts(const WatchedPorts&) = delete;
    WatchedPorts& operator=(const WatchedPorts&) = delete;

    std::size_t count() const;
    std::vector<SessionSnapshot> sessions() const;
    // Has those end that are meant by a user's name, by USER:PORT or by an id. How many.
    std::size_t close(const std::string& which);

    void watcher_asked(Watcher& watcher, const ControlRequest& request) override;
    void watcher_left(Watcher& watcher) override;

private:
    // A request that is answered when all of these have left, or have had their time.
    struct Waiting {
        Watcher* who;
        std::vector<const Watcher*> until_gone;
        std::size_t told = 0;
        std::function<void(std::size_t told)> go_on;
        TimePoint until;
    };

    explicit WatchedPorts(const Context& context);
    void client_came(UniqueFd socket);
    Result<std::string> run(Watcher& watcher, const ControlRequest& request, bool& is_later);
    Result<std::string> begin_registering(Watcher& watcher, const ControlRequest& request,
                                          bool& is_later);
    Result<std::string> finish_registering(Watcher& watcher, Registration registration,
                                           std::uint64_t former_inode, std::size_t replaced);
    Result<std::string> report(Watcher& watcher, const std::string& with);
    Result<std::string> release(Watcher& watcher, const ControlRequest& request, bool& is_later);
    std::vector<Watcher*> former_of(const Watcher& watcher, const WatchedPlace& place);
    void wait_for(Watcher& who, const std::vector<Watcher*>& to_go,
                  std::function<void(std::size_t)> go_on);
    void settle_waiting();
    bool is_waiting(const Watcher& watcher) const;
    std::vector<SessionSnapshot> sessions_of(std::optional<uid_t> user) const;
    void happened(const Registration& where, std::string kind, std::string text,
                  std::string verdict = {});
    LogFields fields(const Registration& registration) const;

    Context context_;
    std::list<std::unique_ptr<Watcher>> watchers_;
    std::list<Waiting> waiting_;
    UvTimer patience_;  // Of those that wait.
    Deferred removal_;  // Of those that left, once none of their calls is under way.
    std::unique_ptr<UnixListener> listener_;
};

}  // namespace relay
