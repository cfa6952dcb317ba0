#include "common/roads/road_ladder.h"

#include <algorithm>

#include "common/base/check.h"

namespace relay {

RoadLadder::RoadLadder(const Roads& roads, std::optional<RoadKind> last, Limits limits,
                       Random& random)
    : roads_(roads), first_(limits.first), backoff_({limits.first, limits.most}, random) {
    check(!roads.empty());
    if (last && std::find(roads.begin(), roads.end(), *last) != roads.end()) last_ = last;
}

Roads RoadLadder::order() const {
    Roads order = roads_;
    if (last_) {
        const auto found = std::find(order.begin(), order.end(), *last_);
        std::rotate(order.begin(), found, found + 1);
    }
    return order;
}

Roads RoadLadder::better() const {
    if (!now_by_) return {};
    return Roads(roads_.begin(), std::find(roads_.begin(), roads_.end(), *now_by_));
}

void RoadLadder::plan(TimePoint now) {
    retry_at_.reset();
    if (!better().empty()) retry_at_ = now + backoff_.next();
}

void RoadLadder::arrived(RoadKind road, TimePoint now) {
    check(std::find(roads_.begin(), roads_.end(), road) != roads_.end());
    now_by_ = road;
    last_ = road;
    since_ = now;
    plan(now);
}

void RoadLadder::tried(TimePoint now) {
    plan(now);
}

void RoadLadder::lost(TimePoint now) {
    if (now_by_ == roads_.front() && now - since_ >= first_) backoff_.reset();
    now_by_.reset();
    retry_at_.reset();
}

}  // namespace relay
