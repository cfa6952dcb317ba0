// One command while it runs: in a session of its own, as the user that we are, with the address in
// its environment. No shell reads it.
#pragma once

#include <functional>
#include <string>

#include "common/gates/hooks.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"

namespace relay {

class HookProcess {
public:
    // Why it has not done its work; empty: it has.
    using OnDone = std::function<void(const std::string& fault)>;

    // `on_done` is called once, never within this call, and may destroy the process. After
    // `timeout` it is killed, with all that it has started in its session.
    HookProcess(Loop& loop, const HookCall& call, Duration timeout, OnDone on_done);
    ~HookProcess();  // Leaves it running.
    HookProcess(const HookProcess&) = delete;
    HookProcess& operator=(const HookProcess&) = delete;

private:
    struct Handle;

    void start(Loop& loop);
    void finish(const std::string& fault);

    const HookCall call_;
    OnDone on_done_;
    Handle* handle_ = nullptr;  // Frees itself once the process has ended.
    bool is_too_slow_ = false;
    std::string fault_;
    UvTimer timer_;
    Deferred not_started_;
};

}  // namespace relay
