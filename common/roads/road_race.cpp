#include "common/roads/road_race.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace relay {

RoadRace::RoadRace(const Roads& roads, Duration patience) : patience_(patience) {
    check(!roads.empty());
    for (const RoadKind road : roads) runners_.push_back({.road = road});
}

RoadRace::Runner& RoadRace::runner(RoadKind road) {
    const auto found = std::find_if(runners_.begin(), runners_.end(),
                                    [&](const Runner& each) { return each.road == road; });
    check(found != runners_.end());
    return *found;
}

const RoadRace::Runner* RoadRace::first_in(State state) const {
    const auto found = std::find_if(runners_.begin(), runners_.end(),
                                    [&](const Runner& each) { return each.state == state; });
    return found == runners_.end() ? nullptr : &*found;
}

RoadRace::Runner* RoadRace::first_in(State state) {
    return const_cast<Runner*>(std::as_const(*this).first_in(state));
}

bool RoadRace::is_under_way(const Runner& runner) const {
    return runner.state != State::Waiting && runner.state != State::Failed;
}

bool RoadRace::is_any_under_way() const {
    return std::any_of(runners_.begin(), runners_.end(),
                       [&](const Runner& each) { return is_under_way(each); });
}

bool RoadRace::is_lost() const {
    return std::all_of(runners_.begin(), runners_.end(),
                       [](const Runner& each) { return each.state == State::Failed; });
}

// Beside one that does not even reach its first hop, another by the same would not either; and once
// that is there again, the worse of the two could be the quicker.
bool RoadRace::may_dial(const Runner& candidate) const {
    const FirstHop hop = first_hop_of(candidate.road);
    return std::none_of(runners_.begin(), runners_.end(), [&](const Runner& each) {
        return is_under_way(each) && !each.is_touched && first_hop_of(each.road) == hop;
    });
}

std::optional<RoadRace::Step> RoadRace::next(TimePoint now) {
    for (Runner& each : runners_) {
        if (std::exchange(each.is_dropped, false)) return Step{Step::Kind::Drop, each.road};
    }
    if (const auto step = introduction(now)) return step;
    return dial(now);
}

std::optional<RoadRace::Step> RoadRace::introduction(TimePoint now) {
    Runner* const candidate = first_in(State::AtTheDoor);
    if (candidate == nullptr) return std::nullopt;
    if (Runner* const silent = first_in(State::Introducing)) {
        if (now < introducing_since_ + patience_) return std::nullopt;
        silent->state = State::Failed;
        return Step{Step::Kind::Drop, silent->road};
    }
    candidate->state = State::Introducing;
    introducing_since_ = now;
    return Step{Step::Kind::Introduce, candidate->road};
}

std::optional<RoadRace::Step> RoadRace::dial(TimePoint now) {
    if (first_in(State::Waiting) == nullptr) return std::nullopt;
    if (is_any_under_way() && now < next_dial_at_) return std::nullopt;
    next_dial_at_ = now + patience_;
    for (Runner& each : runners_) {
        if (each.state != State::Waiting || !may_dial(each)) continue;
        each.state = State::Dialling;
        return Step{Step::Kind::Dial, each.road};
    }
    return std::nullopt;
}

std::optional<TimePoint> RoadRace::deadline() const {
    std::optional<TimePoint> next;
    if (first_in(State::Waiting) != nullptr) next = next_dial_at_;
    if (first_in(State::AtTheDoor) != nullptr && first_in(State::Introducing) != nullptr) {
        next = earlier(next, introducing_since_ + patience_);
    }
    return next;
}

void RoadRace::touched(RoadKind road) {
    runner(road).is_touched = true;
}

void RoadRace::reached(RoadKind road, TimePoint now) {
    Runner& arrived = runner(road);
    check(arrived.state == State::Dialling);
    arrived.state = State::AtTheDoor;
    arrived.is_touched = true;
    next_dial_at_ = now + patience_;  // It is alive.
}

void RoadRace::failed(RoadKind road, Failure failure, TimePoint now) {
    runner(road).state = State::Failed;
    next_dial_at_ = now;
    for (Runner& each : runners_) {
        const bool is_as_hopeless = failure == Failure::Unreached && each.state == State::Waiting &&
                                    first_hop_of(each.road) == first_hop_of(road);
        if (failure == Failure::Final) each.is_dropped = is_under_way(each);
        if (failure == Failure::Final || is_as_hopeless) each.state = State::Failed;
    }
}

}  // namespace relay
