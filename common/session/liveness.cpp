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
    silent_from_ = written_at_ + limits_.interval;
    due_at_ = silent_from_ + patience();
    return true;
}

void Liveness::pinged(TimePoint now) {
    if (!pong_written_) return;
    pong_written_ = false;
    heard_at_ = now;
    if (habit_ == Habit::Asks || state_ != State::Resting) return;
    const TimePoint asks_at_latest = written_at_ + asks_at_least;
    silent_from_ = std::min(now + limits_.interval, asks_at_latest);
    due_at_ = std::min(silent_from_ + patience(), asks_at_latest);
}

// By so much the peer's next ping may be late; death comes no later for that.
Duration Liveness::patience() const {
    return habit_ == Habit::Asks ? Duration::zero() : limits_.interval / 2;
}

TimePoint Liveness::deadline() const {
    if (state_ == State::Resting) return due_at_;
    return std::max(silent_from_, heard_at_) + limits_.deadline;
}

Liveness::Verdict Liveness::deadline_reached(TimePoint now) {
    if (now < deadline()) return Verdict::Alive;
    if (state_ != State::Resting) return Verdict::Dead;
    state_ = State::Due;
    // Whoever comes late, since the process was asleep, waits for an answer all the same.
    silent_from_ += now - due_at_;
    return Verdict::Alive;
}

}  // namespace relay
