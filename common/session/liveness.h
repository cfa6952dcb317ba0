// Decides whether a carrier lives: by answers to its pings, never by what merely arrives. It reads
// no clock: each event brings its own time.
//
//     Resting --interval--> Due --ping_written--> Waiting --answer--> Resting
//
// From Due and from Waiting, `deadline` without a sign of life leads to death. A carrier that
// cannot even write its ping dies as well. While nobody waits for bytes, pings are fewer, and death
// is noticed as soon.
//
// A peer sends no ping before it has the answer to its last one, so the next one is an answer too.
// Who leaves the asking to the peer rests on as long as these come: of a thousand homes a relay
// has half the work (docs/PROTOCOL.md 7).
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
    enum class Habit { Asks, LeavesItToThePeer };
    enum class Pace { Busy, Idle };  // Idle: there are no streams.
    enum class Verdict { Alive, Dead };
    // Whoever leaves the asking to the peer still asks now and then, or knows no round-trip time:
    // the first answer comes while both ends are busy with beginning, and tells little.
    static constexpr Duration asks_at_first = std::chrono::seconds(1);
    static constexpr Duration asks_at_least = std::chrono::minutes(1);

    Liveness(Limits limits, Habit habit, TimePoint now)
        : limits_(limits), habit_(habit), rests_from_(now), silent_from_(now), heard_at_(now) {}

    // Somebody wants to know now: the next ping is due, unless one is under way.
    void ask(TimePoint now);
    bool ping_due() const { return state_ == State::Due; }
    // The token of the ping that has been written.
    std::uint64_t ping_written(TimePoint now);
    // False: that is not the answer to the last ping.
    bool pong(std::uint64_t token, TimePoint now);
    // The peer has pinged; and its ping is answered.
    void pinged(TimePoint now);
    void pong_written() { pong_written_ = true; }
    // The peer has shown by other means that our bytes arrive.
    void heard(TimePoint now) { heard_at_ = now; }

    TimePoint deadline(Pace pace) const;
    Verdict deadline_reached(TimePoint now, Pace pace);

    std::optional<Duration> rtt() const { return rtt_; }

private:
    enum class State { Resting, Due, Waiting };

    Limits limits_at(Pace pace) const;
    TimePoint due_at(Pace pace) const;
    Duration asks_every() const;

    Limits limits_;
    Habit habit_;
    State state_ = State::Due;
    TimePoint rests_from_;   // The interval counts from here,
    TimePoint silent_from_;  // and once it has passed, the deadline from here.
    TimePoint heard_at_;     // The last sign of life.
    TimePoint written_at_;
    bool pong_written_ = false;  // Since the peer's last ping.
    std::uint64_t token_ = 0;
    std::optional<Duration> rtt_;
};

}  // namespace relay
