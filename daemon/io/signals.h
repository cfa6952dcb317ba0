// Signals as events of the loop.
#pragma once

#include <uv.h>

#include <functional>

#include "daemon/io/loop.h"

namespace relay {

// Catches one signal while it lives. `on_signal` may destroy the watcher. Does not keep the loop
// running by itself.
class SignalWatcher {
public:
    SignalWatcher(Loop& loop, int signal_number, std::function<void()> on_signal);
    SignalWatcher(const SignalWatcher&) = delete;
    SignalWatcher& operator=(const SignalWatcher&) = delete;

private:
    std::function<void()> on_signal_;
    UvHandle<uv_signal_t> handle_;
};

}  // namespace relay
