// How long to wait before the next attempt: each step is twice the last, and each wait is any part
// of its step, so that many who lost the same relay come back evenly spread.
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

    // Anything up to the current step, and at least a sixteenth of it; the step then doubles up to
    // the longest.
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
