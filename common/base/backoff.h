// How long to wait before the next attempt: each wait up to twice the last, with jitter, so that
// many who lost the same relay do not come back at the same moment.
#pragma once

#include "common/base/random.h"
#include "common/base/time.h"

namespace relay {

class Backoff {
public:
    struct Limits {
        Duration first = std::chrono::seconds{1};
        Duration longest = std::chrono::seconds{30};
    };

    // `random` must outlive it.
    Backoff(Limits limits, Random& random) : limits_(limits), random_(random) {}

    // Between half of the current step and all of it; the step then doubles up to the longest.
    Duration next();

    // After a success: the next wait is a first one again.
    void reset() { failures_ = 0; }

    unsigned failures() const { return failures_; }

private:
    Limits limits_;
    Random& random_;
    unsigned failures_ = 0;
};

}  // namespace relay
