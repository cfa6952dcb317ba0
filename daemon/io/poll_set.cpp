#include "daemon/io/poll_set.h"

#include <algorithm>
#include <cerrno>

#include "common/base/check.h"
#include "daemon/io/poll.h"

namespace relay {

namespace {

constexpr PollEvents nothing;

// Errors and hang-ups are told whatever is asked for: of those that nobody wants to hear of, once.
constexpr std::uint32_t quiet = EPOLLET;

std::uint32_t mask_of(PollEvents interest) {
    if (interest == nothing) return quiet;
    return (interest.readable ? std::uint32_t{EPOLLIN} : 0) |
           (interest.writable ? std::uint32_t{EPOLLOUT} : 0) |
           (interest.broken ? std::uint32_t{EPOLLPRI} : 0);
}

// What of `events` concerns somebody with this interest.
PollEvents seen_by(PollEvents interest, std::uint32_t events) {
    if (interest == nothing) return nothing;
    const bool is_urgent = (events & EPOLLPRI) != 0 && interest.broken;
    // A failure is shown as readable: the read that follows has the system's words.
    if ((events & EPOLLERR) != 0 && !is_urgent) return {.readable = true, .broken = true};
    const bool is_asked_for = (events & mask_of(interest)) != 0;
    const bool is_over = (events & EPOLLHUP) != 0 && !is_asked_for;
    return {.readable = interest.readable && (is_over || (events & EPOLLIN) != 0),
            .writable = interest.writable && (is_over || (events & EPOLLOUT) != 0),
            .broken = interest.broken && (is_over || is_urgent)};
}

}  // namespace

PollSet::PollSet(uv_handle_t* keeper) : epoll_(epoll_create1(EPOLL_CLOEXEC)), keeper_(keeper) {
    check(bool{epoll_});
}

void PollSet::count_waiting(bool did_wait, bool waits) {
    if (did_wait == waits) return;
    if (waits && waiting_++ == 0) uv_ref(keeper_);
    if (!waits && --waiting_ == 0) uv_unref(keeper_);
}

void PollSet::changed(Poll& poll, bool did_wait) {
    count_waiting(did_wait, poll.interest_ != nothing);
    if (std::exchange(poll.is_changed_, true)) return;
    changed_.push_back(&poll);
}

void PollSet::remove(Poll& poll) {
    count_waiting(poll.interest_ != nothing, false);
    if (poll.is_changed_) std::erase(changed_, &poll);
    for (int i = next_ready_; i < ready_count_; ++i) {
        if (ready_[i].data.ptr == &poll) ready_[i].data.ptr = nullptr;
    }
    if (poll.told_ == 0) return;
    // Not left to the close, as copies of the descriptor may be parked elsewhere.
    check(epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, poll.fd(), nullptr) == 0);
    --size_;
}

void PollSet::tell_kernel(Poll& poll) {
    const std::uint32_t wanted = mask_of(poll.interest_);
    if (wanted == poll.told_ || (wanted == quiet && poll.told_ == 0)) return;
    epoll_event event{};
    event.events = wanted;
    event.data.ptr = &poll;
    const int operation = poll.told_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    check(epoll_ctl(epoll_.get(), operation, poll.fd(), &event) == 0);
    if (poll.told_ == 0) ++size_;
    poll.told_ = wanted;
}

void PollSet::prepare() {
    for (Poll* poll : changed_) {
        poll->is_changed_ = false;
        tell_kernel(*poll);
    }
    changed_.clear();
}

void PollSet::dispatch() {
    prepare();
    if (size_ == 0) return;
    ready_count_ = std::max(epoll_wait(epoll_.get(), ready_.data(), ready_most, 0), 0);
    for (next_ready_ = 0; next_ready_ < ready_count_;) {
        const epoll_event& event = ready_[next_ready_++];
        auto* poll = static_cast<Poll*>(event.data.ptr);
        if (poll == nullptr) continue;  // Gone since.
        const PollEvents seen = seen_by(poll->interest_, event.events);
        if (seen != nothing) poll->tell(seen);
    }
    ready_count_ = next_ready_ = 0;
}

}  // namespace relay
