#include "daemon/io/poll.h"

#include <utility>

#include "daemon/io/poll_set.h"

namespace relay {

Poll::Poll(Loop& loop, UniqueFd fd, std::function<void(PollEvents)> on_ready)
    : set_(loop.polls()), fd_(std::move(fd)), on_ready_(std::move(on_ready)) {}

Poll::~Poll() {
    if (fd_) set_.remove(*this);
}

UniqueFd Poll::take_fd() {
    set_.remove(*this);
    return std::move(fd_);
}

void Poll::set_interest(PollEvents interest) {
    if (interest == interest_) return;
    const bool did_wait = std::exchange(interest_, interest) != PollEvents{};
    set_.changed(*this, did_wait);
}

void Poll::set_on_ready(std::function<void(PollEvents)> on_ready) {
    on_ready_ = std::move(on_ready);
}

void Poll::tell(PollEvents events) {
    const auto on_ready = on_ready_;  // Copied: it may replace or destroy itself.
    on_ready(events);
}

}  // namespace relay
