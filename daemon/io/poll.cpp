#include "daemon/io/poll.h"

#include "common/base/check.h"

namespace relay {

struct Poll::Handle {
    uv_poll_t uv{};
    UniqueFd fd;
    std::function<void(PollEvents)> on_ready;
    int events = 0;
    bool closing = false;

    static void ready(uv_poll_t* uv, int status, int events) {
        auto& handle = *static_cast<Handle*>(uv->data);
        if (handle.closing) return;
        // A failed poll is shown as readable: the read that follows has the system's words. libuv
        // has stopped watching, but there may be data before the end: watched until it is closed.
        if (status < 0) uv_poll_start(uv, handle.events, ready);
        const auto on_ready = handle.on_ready;  // Copied: it may replace itself.
        on_ready({.readable = status < 0 || (events & (UV_READABLE | UV_DISCONNECT)) != 0,
                  .writable = status >= 0 && (events & UV_WRITABLE) != 0,
                  .broken = status < 0 || (events & UV_PRIORITIZED) != 0});
    }
};

Poll::Poll(Loop& loop, UniqueFd fd, std::function<void(PollEvents)> on_ready)
    : handle_(new Handle{{}, std::move(fd), std::move(on_ready)}) {
    check(uv_poll_init(&loop.uv(), &handle_->uv, handle_->fd.get()) == 0);
    handle_->uv.data = handle_;
}

Poll::~Poll() {
    if (handle_ != nullptr) close();
}

UniqueFd Poll::take_fd() {
    UniqueFd fd = std::move(handle_->fd);
    close();  // Not later, or libuv would unregister its next owner.
    handle_ = nullptr;
    return fd;
}

void Poll::close() {
    handle_->closing = true;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->uv),
             [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

void Poll::set_interest(PollEvents interest) {
    if (interest == interest_) return;
    interest_ = interest;
    // The kernel tells of errors whatever it is asked for, but it must be asked for something.
    const int events = (interest.readable ? UV_READABLE : 0) |
                       (interest.writable ? UV_WRITABLE : 0) |
                       (interest.broken ? UV_PRIORITIZED : 0);
    handle_->events = events;
    if (events == 0) {
        uv_poll_stop(&handle_->uv);
    } else {
        check(uv_poll_start(&handle_->uv, events, Handle::ready) == 0);
    }
}

void Poll::set_on_ready(std::function<void(PollEvents)> on_ready) {
    handle_->on_ready = std::move(on_ready);
}

int Poll::fd() const {
    return handle_->fd.get();
}

}  // namespace relay
