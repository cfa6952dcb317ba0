// Whether a visitor may in, must wait for the home, or is turned away. Deterministic.
#pragma once

#include <cstddef>
#include <optional>

#include "common/base/time.h"

namespace relay {

// While a home is away, its visitors wait: until it comes, or until it has been away for `grace`.
class HoldPolicy {
public:
    enum class Answer { Admit, Hold, TurnAway };
    static constexpr std::size_t held_max = 64;  // Of one forward.

    // The home is away at first, as if it had just left.
    HoldPolicy(Duration grace, TimePoint now) : grace_(grace), away_since_(now) {}

    void home_came() { away_since_.reset(); }
    void home_left(TimePoint now) {
        if (!away_since_) away_since_ = now;
    }

    Answer visitor_came(std::size_t held, TimePoint now) const {
        if (!away_since_) return Answer::Admit;
        return now < *away_since_ + grace_ && held < held_max ? Answer::Hold : Answer::TurnAway;
    }
    // When those who wait have waited long enough. Nothing while the home is there.
    std::optional<TimePoint> patience_ends() const {
        if (!away_since_) return std::nullopt;
        return *away_since_ + grace_;
    }

private:
    Duration grace_;
    std::optional<TimePoint> away_since_;
};

}  // namespace relay
