// Blocking work in libuv's thread pool, by value.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/io/loop.h"

namespace relay {

// Stands for work under way. Destroying it means that `done` will never run; the work itself may
// still finish in its thread, its result is dropped.
class [[nodiscard]] WorkTicket {
public:
    WorkTicket() = default;
    explicit WorkTicket(std::shared_ptr<bool> wanted) : wanted_(std::move(wanted)) {}
    WorkTicket(WorkTicket&&) noexcept = default;
    WorkTicket& operator=(WorkTicket&& other) noexcept {
        cancel();
        wanted_ = std::move(other.wanted_);
        return *this;
    }
    ~WorkTicket() { cancel(); }

    void cancel() {
        if (wanted_) *wanted_ = false;
        wanted_.reset();
    }

private:
    std::shared_ptr<bool> wanted_;  // Shared with the work; read and written by the loop's thread.
};

// Runs `work` in a thread, then `done` on the loop.
WorkTicket run_on_worker(Loop& loop, std::function<void()> work, std::function<void()> done);

// Runs `work` in a thread, then `done` with its result on the loop. `work` must own what it uses.
template <typename R>
WorkTicket run_on_worker(Loop& loop, std::function<R()> work, std::function<void(R)> done) {
    auto result = std::make_shared<std::optional<R>>();  // Shared by the two halves.
    return run_on_worker(
        loop, std::function<void()>{[work = std::move(work), result] { *result = work(); }},
        std::function<void()>{[done = std::move(done), result] { done(std::move(**result)); }});
}

}  // namespace relay
