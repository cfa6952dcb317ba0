#include "common/session/liveness.h"

#include <algorithm>

namespace relay {

void Liveness::ask(TimePoint now) {
    if (state_ != State::Resting) return;
    state_ = State::Due;
    silent_from_ = now;
}

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
    rests_from_ = written_at_;
    return true;
}

void Liveness::pinged(TimePoint now) {
    if (!pong_written_) return;
    pong_written_ = false;
    heard_at_ = now;
    if (habit_ == Habit::LeavesItToThePeer && state_ == State::Resting) rests_from_ = now;
}

Liveness::Limits Liveness::limits_at(Pace pace) const {
    if (pace == Pace::Busy) return limits_;
    const Duration half = (limits_.interval + limits_.deadline) / 2;
    return {half, half};
}

// Twice as long each time.
Duration Liveness::asks_every() const {
    constexpr std::uint64_t doublings_most = 6;
    const auto doublings = std::min(std::max<std::uint64_t>(token_, 1) - 1, doublings_most);
    return std::min<Duration>(asks_at_first * (1 << doublings), asks_at_least);
}

// The peer's ping may be late by half an interval; death comes no later for that.
TimePoint Liveness::due_at(Pace pace) const {
    const Duration interval = limits_at(pace).interval;
    if (habit_ == Habit::Asks) return rests_from_ + interval;
    return std::min(rests_from_ + interval + interval / 2, written_at_ + asks_every());
}

TimePoint Liveness::deadline(Pace pace) const {
    if (state_ == State::Resting) return due_at(pace);
    return std::max(silent_from_, heard_at_) + limits_at(pace).deadline;
}

Liveness::Verdict Liveness::deadline_reached(TimePoint now, Pace pace) {
    if (now < deadline(pace)) return Verdict::Alive;
    if (state_ != State::Resting) return Verdict::Dead;
    state_ = State::Due;
    // Whoever comes late, since the process was asleep, waits for an answer all the same.
    const Duration late = now - due_at(pace);
    silent_from_ = std::min(rests_from_ + limits_at(pace).interval + late, now);
    return Verdict::Alive;
}

}  // namespace relay
