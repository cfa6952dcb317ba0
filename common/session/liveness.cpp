#include "common/session/liveness.h"

#include <algorithm>

namespace relay {

std::uint64_t Liveness::ping_written(TimePoint now) {
    state_ = State::Waiting;
    written_at_ = now;
    return ++token_;
}

bool Liveness::pong(std::uint64_t token, TimePoint now) {
    if (state_ != State::Waiting || token != token_) return false;
    state_ = State::Resting;
    rtt_ = now - written_at_;
    heard_at_ = now;
    due_at_ = written_at_ + limits_.interval;
    return true;
}

TimePoint Liveness::deadline() const {
    if (state_ == State::Resting) return due_at_;
    return std::max(due_at_, heard_at_) + limits_.deadline;
}

Liveness::Verdict Liveness::deadline_reached(TimePoint now) {
    if (now < deadline()) return Verdict::Alive;
    if (state_ != State::Resting) return Verdict::Dead;
    state_ = State::Due;
    due_at_ = now;
    return Verdict::Alive;
}

}  // namespace relay
