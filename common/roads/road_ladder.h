// Knows by which road the relay is reached, and which worked last, and says when a better one is to
// be tried again. It reads no clock: each input brings its own time.
//
//     Away --arrived--> Best, or Worse --retry_at--> tried, or arrived by a better one
//
// The waits double from `first` to `most`, each is any part of its step, and a road that has
// carried for less than `first` does not make them short again: one that opens and closes all the
// time is not tried all the time.
#pragma once

#include <optional>

#include "common/base/backoff.h"
#include "common/roads/road_kind.h"

namespace relay {

class RoadLadder {
public:
    struct Limits {
        Duration first;
        Duration most;
    };

    // Best first, at least one. `last` is the one that worked last, if that is known; it may be
    // none of them. `random` must outlive it.
    RoadLadder(const Roads& roads, std::optional<RoadKind> last, Limits limits, Random& random);

    // For whoever has no carrier: all, the one that worked last before the others.
    Roads order() const;
    // For whoever has one: those better than that.
    Roads better() const;
    // When to try these; nothing while there is none.
    std::optional<TimePoint> retry_at() const { return retry_at_; }
    std::optional<RoadKind> last() const { return last_; }

    void arrived(RoadKind road, TimePoint now);
    void tried(TimePoint now);  // None of the better ones led there.
    void lost(TimePoint now);   // The carrier is gone.

private:
    void plan(TimePoint now);

    Roads roads_;
    std::optional<RoadKind> last_;
    std::optional<RoadKind> now_by_;
    Duration first_;
    Backoff backoff_;
    TimePoint since_{};
    std::optional<TimePoint> retry_at_;
};

}  // namespace relay
