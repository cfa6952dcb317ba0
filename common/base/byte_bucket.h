// A rate of bytes that lets some through at once. Reads no clock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "common/base/time.h"

namespace relay {

class ByteBucket {
public:
    static constexpr std::uint64_t burst_least = 16384;
    static constexpr std::size_t turn_most = 65536;
    static constexpr std::size_t turn_least = 1500;

    // Full at first: a quarter of a second's bytes.
    ByteBucket(std::uint64_t per_second, TimePoint now)
        : per_second_(static_cast<double>(per_second)),
          most_(static_cast<double>(std::max(per_second / 4, burst_least))),
          held_(most_),
          counted_at_(now) {}

    // What one of many may take in its turn: some milliseconds' bytes, so that others wait little.
    std::size_t turn() const {
        return std::clamp(static_cast<std::size_t>(per_second_ / 64), turn_least, turn_most);
    }

    std::size_t available(TimePoint now) {
        const double passed_s = std::chrono::duration<double>(now - counted_at_).count();
        held_ = std::min(most_, held_ + std::max(passed_s, 0.0) * per_second_);
        counted_at_ = std::max(counted_at_, now);
        return held_ < 1 ? 0 : static_cast<std::size_t>(held_);
    }
    // May be more than is available: that is waited for later.
    void take(std::size_t bytes) { held_ -= static_cast<double>(bytes); }
    // When so many will be there, if nobody takes any.
    TimePoint when(std::size_t bytes) const {
        const double missing = std::min(static_cast<double>(bytes), most_) - held_;
        if (missing <= 0) return counted_at_;
        return counted_at_ +
               std::chrono::duration_cast<Duration>(
                   std::chrono::duration<double>(missing / per_second_)) +
               std::chrono::milliseconds{1};
    }

private:
    double per_second_;
    double most_;
    double held_;
    TimePoint counted_at_;
};

}  // namespace relay
