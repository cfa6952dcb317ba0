#include "daemon/io/loop.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/check.h"
#include "daemon/io/poll_set.h"
#include "daemon/io/wire_buffers.h"

namespace relay {

Loop::Loop() {
    check(uv_loop_init(&uv_) == 0);
    check_.reset(new uv_check_t{});
    idle_.reset(new uv_idle_t{});
    uv_check_init(&uv_, check_.get());
    uv_idle_init(&uv_, idle_.get());
    check_->data = this;
    uv_check_start(check_.get(), [](uv_check_t* handle) {
        auto& loop = *static_cast<Loop*>(handle->data);
        loop.polls_->dispatch();
        loop.run_deferred();
    });
    // It serves what others wait for, and is no reason to run on.
    uv_unref(reinterpret_cast<uv_handle_t*>(check_.get()));
    polls_ = std::make_unique<PollSet>(reinterpret_cast<uv_handle_t*>(check_.get()));
}

Loop::~Loop() {
    tasks_.clear();
    check(scheduled_.empty() && polls_->size() == 0);
    for (const auto& task : at_end_) task();
    check_.reset();
    idle_.reset();
    tasks_.clear();
    while (work_under_way_ > 0) uv_run(&uv_, UV_RUN_ONCE);
    // Each turn runs close callbacks, and what these close takes another one. libwebsockets needs
    // a few.
    constexpr int enough_turns = 100;
    int closed = UV_EBUSY;
    for (int turn = 0; turn < enough_turns && closed == UV_EBUSY; ++turn) {
        uv_run(&uv_, UV_RUN_NOWAIT);
        closed = uv_loop_close(&uv_);
    }
    check(closed == 0);
}

void Loop::run() {
    stopped_ = false;
    while (uv_run(&uv_, UV_RUN_NOWAIT) != 0 && !stopped_) wait();
}

// A sleeper in epoll_wait() is woken "synchronously" (Linux 6.12 and later): on the core of whoever
// wrote to its socket, since that is expected to sleep next. A peer on this machine that has more
// to write does not, and the woken waits for it, for milliseconds, beside an idle core. Those who
// poll an epoll descriptor are woken where there is room.
void Loop::wait() {
    const int timeout = uv_backend_timeout(&uv_);  // 0 while a run has something to do.
    if (timeout == 0) return;
    polls_->prepare();
    std::array<pollfd, 2> sets{{{uv_backend_fd(&uv_), POLLIN, 0}, {polls_->fd(), POLLIN, 0}}};
    (void)poll(sets.data(), sets.size(), timeout);
}

void Loop::run_once() {
    wait();
    uv_run(&uv_, UV_RUN_NOWAIT);
}

void Loop::stop() {
    stopped_ = true;
    uv_stop(&uv_);
}

void Loop::defer(std::function<void()> task) {
    tasks_.push_back(std::move(task));
    wake();
}

WireBuffers& Loop::wire_buffers() {
    if (!wire_buffers_) wire_buffers_ = std::make_unique<WireBuffers>();
    return *wire_buffers_;
}

void Loop::schedule(Deferred& deferred) {
    scheduled_.push_back(&deferred);
    wake();
}

void Loop::forget(Deferred& deferred) {
    std::erase(scheduled_, &deferred);
    std::replace(running_.begin(), running_.end(), &deferred, static_cast<Deferred*>(nullptr));
}

void Loop::wake() {
    uv_idle_start(idle_.get(), [](uv_idle_t*) {});
}

void Loop::run_deferred() {
    if (tasks_.empty() && scheduled_.empty()) {
        uv_idle_stop(idle_.get());  // What it was started for may have been forgotten.
        return;
    }
    auto tasks = std::exchange(tasks_, {});
    running_.swap(scheduled_);
    // By index: a task may destroy a Deferred that is still to run, which clears its place.
    for (std::size_t i = 0; i < running_.size(); ++i) {
        if (running_[i] == nullptr) continue;
        running_[i]->scheduled_ = false;
        const auto task = running_[i]->task_;
        running_[i] = nullptr;
        (*task)();
    }
    running_.clear();
    for (auto& task : tasks) task();
    if (tasks_.empty() && scheduled_.empty()) uv_idle_stop(idle_.get());
}

Deferred::Deferred(Loop& loop, std::function<void()> task)
    : loop_(loop), task_(std::make_shared<std::function<void()>>(std::move(task))) {}

Deferred::~Deferred() {
    if (scheduled_) loop_.forget(*this);
}

void Deferred::schedule() {
    if (scheduled_) return;
    scheduled_ = true;
    loop_.schedule(*this);
}

}  // namespace relay
