// The event loop: one thread, one libuv loop. Everything of daemon/ runs in its callbacks.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <vector>

#include "daemon/io/turn_length.h"
#include "daemon/io/uv_handle.h"

namespace relay {

class Deferred;
class PollSet;
struct WireBuffers;

class Loop {
public:
    Loop();
    // All handles on the loop must be destroyed before; waits for work still in worker threads and
    // checks that nothing is left open.
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Runs until stop(), or until nothing is left to wait for.
    void run();
    // One turn: waits for events, handles them, runs what was deferred.
    void run_once();
    void stop();

    // Runs `task` once, after the callbacks of this turn. Whatever a task defers runs in the next
    // turn, so events in between get their chance. Tasks left over at destruction are dropped.
    void defer(std::function<void()> task);

    uv_loop_t& uv() { return uv_; }

    // For poll.cpp.
    PollSet& polls() { return *polls_; }

    // The buffers that all carriers of this loop share, made on first use.
    WireBuffers& wire_buffers();

    // What all sockets of this loop keep to.
    TurnLength& turn_length() { return turn_length_; }

    // Runs `task` when the loop ends, before it waits for handles to close; what the task holds
    // lives until they have. For libraries that need turns of the loop to end.
    void at_end(std::function<void()> task) { at_end_.push_back(std::move(task)); }

    // For worker.cpp: the loop waits for started work before it closes.
    void work_started() { ++work_under_way_; }
    void work_finished() { --work_under_way_; }

private:
    friend class Deferred;
    void schedule(Deferred& deferred);
    void forget(Deferred& deferred);
    void wake();
    void run_deferred();
    void wait();

    std::vector<std::function<void()>> at_end_;  // First member: the last to go.
    uv_loop_t uv_;
    UvHandle<uv_check_t> check_;  // Tells of events, and runs what they and timers deferred.
    UvHandle<uv_idle_t> idle_;    // Active while something is deferred: the loop does not wait.
    std::unique_ptr<PollSet> polls_;
    std::vector<std::function<void()>> tasks_;
    std::vector<Deferred*> scheduled_;
    std::vector<Deferred*> running_;
    std::unique_ptr<WireBuffers> wire_buffers_;
    TurnLength turn_length_;
    bool stopped_ = false;
    std::size_t work_under_way_ = 0;
};

// A task that can be scheduled many times and runs once, after the callbacks of the turn. Costs no
// allocation when scheduled. Its destruction cancels; `task` may destroy it.
class Deferred {
public:
    Deferred(Loop& loop, std::function<void()> task);
    ~Deferred();
    Deferred(const Deferred&) = delete;
    Deferred& operator=(const Deferred&) = delete;

    void schedule();
    bool is_scheduled() const { return scheduled_; }

private:
    friend class Loop;
    Loop& loop_;
    std::shared_ptr<std::function<void()>> task_;  // Shared with the call under way.
    bool scheduled_ = false;
};

}  // namespace relay
