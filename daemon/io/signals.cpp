#include "daemon/io/signals.h"

namespace relay {

SignalWatcher::SignalWatcher(Loop& loop, int signal_number, std::function<void()> on_signal)
    : on_signal_(std::move(on_signal)), handle_(new uv_signal_t{}) {
    uv_signal_init(&loop.uv(), handle_.get());
    handle_->data = this;
    const auto caught = [](uv_signal_t* handle, int) {
        if (handle->data == nullptr) return;
        const auto on_caught = static_cast<SignalWatcher*>(handle->data)->on_signal_;  // Copied.
        on_caught();
    };
    uv_signal_start(handle_.get(), caught, signal_number);
    uv_unref(reinterpret_cast<uv_handle_t*>(handle_.get()));
}

}  // namespace relay
