// A rate limit that lets a few through at once. Reads no clock.
#pragma once

#include <algorithm>

#include "common/base/time.h"

namespace relay {

class TokenBucket {
public:
    // Full at first.
    TokenBucket(double at_once, double per_second, TimePoint now)
        : at_once_(at_once), per_second_(per_second), tokens_(at_once), counted_at_(now) {}

    // False: that would be one too many.
    bool take(TimePoint now) {
        const double passed_s = std::chrono::duration<double>(now - counted_at_).count();
        tokens_ = std::min(at_once_, tokens_ + passed_s * per_second_);
        counted_at_ = now;
        if (tokens_ < 1) return false;
        tokens_ -= 1;
        return true;
    }

private:
    double at_once_;
    double per_second_;
    double tokens_;
    TimePoint counted_at_;
};

}  // namespace relay
