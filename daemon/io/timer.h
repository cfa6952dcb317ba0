// A one-shot timer with one clear owner.
#pragma once

#include <uv.h>

#include <functional>

#include "common/base/time.h"
#include "daemon/io/loop.h"

namespace relay {

// Must die before its loop. `on_expiry` may destroy the timer, so it is copied.
class UvTimer {
public:
    UvTimer(Loop& loop, std::function<void()> on_expiry);
    UvTimer(const UvTimer&) = delete;
    UvTimer& operator=(const UvTimer&) = delete;

    // Arming again replaces the earlier time. Never fires before its time; resolution is 1 ms.
    void arm_at(TimePoint when);
    void arm(Duration delay);
    void disarm();
    bool is_armed() const;

private:
    static void expired(uv_timer_t* handle);

    std::function<void()> on_expiry_;
    UvHandle<uv_timer_t> handle_;
};

}  // namespace relay
