// Decides which of several roads is dialled when, until one of them has led to the relay. It reads
// no clock and dials nothing: each input brings its own time, and then next() says what to do.
//
//     Waiting --turn--> Dialling --reached--> AtTheDoor --turn--> Introducing --> arrived
//
// From each of them a road may fail. A road that fails makes way for the next at once; one that is
// silent gets company after `patience`. Only one introduces itself at a time, since two that ask
// for a first session would each get one and end the other's.
#pragma once

#include <optional>
#include <vector>

#include "common/base/time.h"
#include "common/roads/road_kind.h"

namespace relay {

class RoadRace {
public:
    enum class Failure {
        Unreached,  // Not even its first hop: other roads by that are not tried.
        Blocked,    // Somebody was there, and it came to nothing.
        Final,      // The relay itself said no, or is not the right one: no other road would help.
    };
    struct Step {
        enum class Kind { Dial, Introduce, Drop };
        Kind kind;
        RoadKind road;

        bool operator==(const Step&) const = default;
    };

    // In the order in which they are to be tried; each at most once, and at least one.
    RoadRace(const Roads& roads, Duration patience);

    // The next thing to do; to be asked until there is none.
    std::optional<Step> next(TimePoint now);
    // When to ask next() again without an input.
    std::optional<TimePoint> deadline() const;

    // Its first hop has answered, if only by accepting a connection. May be said often.
    void touched(RoadKind road);
    // It is dialled, and waits for its turn to introduce itself.
    void reached(RoadKind road, TimePoint now);
    void failed(RoadKind road, Failure failure, TimePoint now);

    // All have failed.
    bool is_lost() const;

private:
    enum class State { Waiting, Dialling, AtTheDoor, Introducing, Failed };
    struct Runner {
        RoadKind road;
        State state = State::Waiting;
        bool is_touched = false;
        bool is_dropped = false;  // Failed, and still to be dropped.
    };

    Runner& runner(RoadKind road);
    Runner* first_in(State state);
    const Runner* first_in(State state) const;
    bool is_under_way(const Runner& runner) const;
    bool is_any_under_way() const;
    bool may_dial(const Runner& runner) const;
    std::optional<Step> introduction(TimePoint now);
    std::optional<Step> dial(TimePoint now);

    std::vector<Runner> runners_;
    Duration patience_;
    TimePoint next_dial_at_{};
    TimePoint introducing_since_{};
};

}  // namespace relay
