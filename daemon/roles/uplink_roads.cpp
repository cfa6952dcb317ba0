// By which road an uplink is connected, and how it goes over to a better one.
#include <algorithm>

#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/session_text.h"
#include "daemon/roles/uplink.h"

namespace relay {

namespace {

std::string joined(const std::vector<std::string>& failures) {
    std::string text;
    for (const std::string& each : failures) text += (text.empty() ? "" : "; ") + each;
    return text;
}

std::string words_of(RoadKind road) {
    switch (road) {
        case RoadKind::Written: return "as it is written";
        case RoadKind::UpgradeDirect: return "by a WebSocket, directly";
        case RoadKind::UpgradeByProxy: return "by a WebSocket, through the proxy";
        case RoadKind::PollDirect: return "by GET and POST, directly";
        case RoadKind::PollByProxy: return "by GET and POST, through the proxy";
    }
    return {};
}

}  // namespace

RoadLadder& Uplink::ladder() {
    const auto found = ladders_.find(to_text(endpoint_));
    if (found != ladders_.end()) return found->second;
    const RoadLadder fresh{roads_to(endpoint_, settings_),
                           known_roads_.lookup(endpoint_),
                           {settings_.roads.retry_first, settings_.roads.retry_most},
                           context_.random};
    return ladders_.emplace(to_text(endpoint_), fresh).first->second;
}

std::uint8_t Uplink::other_slot() const {
    return slot_in_use_ == slot_.number ? slot_.other : slot_.number;
}

void Uplink::welcomed(Approach::Outcome outcome) {
    is_connected_ = true;
    ladder().arrived(outcome.road, now());
    tell_road(outcome.road, joined(outcome.failures));
    remember_road();
    plan_rise();
    owner_.on_connected({std::move(outcome.port), slot_in_use_, std::get<Welcome>(outcome.answer),
                         to_text(endpoint_), relay_});
}

// The log has the first road only if it is not the best one, and then each change.
void Uplink::tell_road(RoadKind road, const std::string& why) {
    const bool is_known = told_road_ == road || (!told_road_ && ladder().better().empty());
    told_road_ = road;
    if (is_known) return;
    context_.log.info({.peer = to_text(endpoint_), .message_id = message_id::road_changed},
                      "{} is reached {} now{}{}", to_text(endpoint_), words_of(road),
                      why.empty() ? "" : ": ", why);
}

void Uplink::remember_road() {
    const auto road = ladder().last();
    if (!road || *road == RoadKind::Written || known_roads_.lookup(endpoint_) == road) return;
    const Status noted = known_roads_.remember(endpoint_, *road);
    if (!noted) {
        context_.log.warning({.message_id = message_id::state_not_saved},
                             "{}; the next start tries all roads in their order",
                             noted.error().text);
    }
}

void Uplink::plan_rise() {
    if (const auto at = ladder().retry_at()) {
        better_.arm_at(*at);
    } else {
        better_.disarm();
    }
}

void Uplink::try_better() {
    if (!is_connected_ || approach_ || rising_) return;
    approach(ladder().better(), other_slot());
}

void Uplink::rose(Approach::Outcome outcome) {
    if (!std::holds_alternative<Welcome>(outcome.answer)) {
        context_.log.debug({.peer = to_text(endpoint_)}, "no better road is open");
        ladder().tried(now());
        return plan_rise();
    }
    // Without a slot of its own it takes the place of the other at once.
    if (other_slot() == slot_in_use_) {
        ladder().arrived(outcome.road, now());
        tell_road(outcome.road, "a better road is open");
        remember_road();
        plan_rise();
    } else {
        rising_ = Rising{other_slot(), outcome.road};
    }
    owner_.on_connected({std::move(outcome.port), other_slot(), std::get<Welcome>(outcome.answer),
                         to_text(endpoint_), relay_});
}

void Uplink::settle_rise(SessionDriver& driver) {
    if (!rising_) return;
    const auto carriers = driver.carriers();
    const auto found = std::find_if(carriers.begin(), carriers.end(), [&](const auto& carrier) {
        return carrier.slot == rising_->slot;
    });
    const bool is_worse_there = driver.has_carrier(slot_in_use_);
    if (found == carriers.end()) {
        rising_.reset();
        ladder().tried(now());
        return plan_rise();
    }
    if (!found->stats.ready && is_worse_there) return;
    const std::uint8_t worse = std::exchange(slot_in_use_, rising_->slot);
    const RoadKind road = rising_->road;
    rising_.reset();
    ladder().arrived(road, now());
    tell_road(road, "a better road is open");
    remember_road();
    plan_rise();
    driver.retire(worse);
}

bool Uplink::follow(SessionDriver& driver) {
    settle_rise(driver);
    const auto carriers = driver.carriers();
    const auto own = std::find_if(carriers.begin(), carriers.end(), [&](const auto& carrier) {
        return carrier.slot == slot_in_use_;
    });
    if (own != carriers.end()) {
        if (own->stats.ready) is_up();
        return own->stats.ready;
    }
    if (is_connected_) {
        lost();
        dial_at_once();
    }
    return false;
}

void Uplink::lost() {
    if (!is_connected_) return;
    is_connected_ = false;
    rising_.reset();
    better_.disarm();
    approach_.reset();
    ladder().lost(now());
}

}  // namespace relay
