// Runs what gates have as start-command and stop-command, when relayd-gate tells of a knock. What
// is owed outlives the process: a stop-command is run by whoever comes after it.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "common/gates/hooks.h"
#include "common/settings/settings.h"
#include "daemon/hooks/hook_process.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"
#include "daemon/log/log.h"

namespace relay {

struct HookRunnerOptions {
    std::string config;
    std::string state_dir;
    std::string socket;  // Where it listens, unless it was passed one.
};

class HookRunner {
public:
    // Commands at once, and those that wait for them.
    static constexpr std::size_t max_running = 16;
    static constexpr std::size_t max_waiting = 1024;

    HookRunner(Loop& loop, Log& log, HookRunnerOptions options);
    HookRunner(const HookRunner&) = delete;
    HookRunner& operator=(const HookRunner&) = delete;

    // `socket`: passed by the service manager; empty: there is none.
    Status start(UniqueFd socket);

private:
    struct Running {
        HookCall call;
        std::unique_ptr<HookProcess> process;
        bool has_ended = false;
    };

    Result<UniqueFd> listen() const;
    void read_some();
    void news_came(const HookNews& news);
    void opened(const HookNews& news);
    void read_gates();
    void time_is_over();
    void add(HookCall call);
    void run_some();
    void ended(Running& running, const std::string& fault);
    bool is_busy(const HookCall& call) const;
    void keep();
    void plan();

    Loop& loop_;
    Log& log_;
    HookRunnerOptions options_;
    std::map<std::string, GateSettings> gates_;
    HookBook book_;
    std::deque<HookCall> waiting_;
    std::list<Running> running_;
    UvTimer next_;
    Deferred more_;
    std::unique_ptr<Poll> poll_;
};

}  // namespace relay
