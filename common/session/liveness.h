// Decides whether a carrier lives: by answers to its pings, never by what merely arrives. It reads
// no clock: each event brings its own time.
//
//     Resting --interval--> Due --ping_written--> Waiting --answer--> Resting
//
// From Due and from Waiting, `deadline` without a sign of life leads to death. A carrier that
// cannot even write its ping dies as well.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.h"

namespace relay {

class Liveness {
public:
    struct Limits {
        Duration interval;
        Duration deadline;
    };
    enum class Verdict { Alive, Dead };

    Liveness(Limits limits, TimePoint now) : limits_(limits), due_at_(now), heard_at_(now) {}

    bool ping_due() const { return state_ == State::Due; }
    // The token of the ping that has been written.
    std::uint64_t ping_written(TimePoint now);
    // False: that is not the answer to the last ping.
    bool pong(std::uint64_t token, TimePoint now);
    // The peer has shown by other means that our bytes arrive.
    void heard(TimePoint now) { heard_at_ = now; }

    TimePoint deadline() const;
    Verdict deadline_reached(TimePoint now);

    std::optional<Duration> rtt() const { return rtt_; }

private:
    enum class State { Resting, Due, Waiting };

    Limits limits_;
    State state_ = State::Due;
    TimePoint due_at_;    // When the ping is or was due.
    TimePoint heard_at_;  // The last sign of life.
    TimePoint written_at_;
    std::uint64_t token_ = 0;
    std::optional<Duration> rtt_;
};

}  // namespace relay
