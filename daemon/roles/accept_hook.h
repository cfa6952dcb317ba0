// Asks the operator's program about those who want a session, some at once, and the others one
// after the other.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "common/control/accept.h"
#include "common/settings/settings.h"
#include "daemon/io/child_process.h"

namespace relay {

class AcceptHookRunner {
public:
    struct Verdict {
        bool allowed = false;
        bool busy = false;       // Nobody was asked: too many wait.
        std::string reason;      // The program's, if it gave one.
        std::string fault = {};  // Why its answer is none, for the log.
        std::vector<ForwardSettings> forwards = {};
    };
    using OnVerdict = std::function<void(Verdict)>;
    // Whether somebody still waits for the verdict: nobody is asked in vain.
    using StillWaits = std::function<bool()>;

    explicit AcceptHookRunner(Loop& loop);

    void set(const AcceptHook& settings) { settings_ = settings; }
    bool is_wanted() const { return !settings_.program.empty(); }
    void stop();  // Nobody hears of what is asked now.
    // `on_verdict` follows, perhaps within the call.
    void ask(const AcceptFacts& facts, StillWaits still_waits, OnVerdict on_verdict);

private:
    struct Question {
        AcceptFacts facts;
        StillWaits still_waits;
        OnVerdict on_verdict;
        std::unique_ptr<ChildProcess> process;
    };
    using Running = std::list<Question>::iterator;

    void start_next();
    void answered(Running question, Result<std::string> output);

    Loop& loop_;
    AcceptHook settings_;
    std::deque<Question> waiting_;
    std::list<Question> running_;
    std::list<Question> done_;  // Destroyed outside of their calls.
    Deferred sweep_;
};

// What the program's answer means; a fault if it is none. `is_home`: it may name forwards.
AcceptHookRunner::Verdict verdict_of(const std::string& output, bool is_home);

}  // namespace relay
