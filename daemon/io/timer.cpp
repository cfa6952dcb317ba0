#include "daemon/io/timer.h"

#include "daemon/io/system_clock.h"

namespace relay {

UvTimer::UvTimer(Loop& loop, std::function<void()> on_expiry)
    : on_expiry_(std::move(on_expiry)), handle_(new uv_timer_t{}) {
    uv_timer_init(&loop.uv(), handle_.get());
    handle_->data = this;
}

void UvTimer::arm_at(TimePoint when) {
    // libuv counts whole milliseconds of the same clock: rounding up never fires early.
    using Milliseconds = std::chrono::milliseconds;
    const auto due = std::chrono::ceil<Milliseconds>(when.time_since_epoch()).count();
    uv_update_time(handle_->loop);
    const auto current = static_cast<Milliseconds::rep>(uv_now(handle_->loop));
    const auto delay = due > current ? due - current : 0;
    uv_timer_start(handle_.get(), expired, static_cast<std::uint64_t>(delay), 0);
}

void UvTimer::arm(Duration delay) {
    arm_at(now() + delay);
}

void UvTimer::disarm() {
    uv_timer_stop(handle_.get());
}

bool UvTimer::is_armed() const {
    return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0;
}

void UvTimer::expired(uv_timer_t* handle) {
    const auto on_expiry = static_cast<UvTimer*>(handle->data)->on_expiry_;  // Copied.
    on_expiry();
}

}  // namespace relay
