#include "daemon/roles/event_hub.h"

#include <algorithm>
#include <chrono>

#include "daemon/io/system_clock.h"

namespace relay {

void EventHub::subscribe(EventSink& sink) {
    sinks_.push_back(&sink);
}

void EventHub::unsubscribe(EventSink& sink) {
    std::erase(sinks_, &sink);
}

void EventHub::publish(EventSnapshot event) {
    event.at = moment_at(now());
    const auto sinks = sinks_;
    for (EventSink* sink : sinks) {
        const bool still = std::find(sinks_.begin(), sinks_.end(), sink) != sinks_.end();
        if (still) sink->event_happened(event);
    }
}

Moment moment_at(TimePoint then) {
    const auto wall = wall_time().time_since_epoch();
    return moment_of(then, now(),
                     std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
}

Moment moment_at_unix(std::int64_t unix_s) {
    return moment_at(now() + std::chrono::seconds(unix_s - unix_now()));
}

std::int64_t unix_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(wall_time().time_since_epoch()).count();
}

}  // namespace relay
