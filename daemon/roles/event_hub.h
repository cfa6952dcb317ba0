// Passes what happens on to whoever subscribed.
#pragma once

#include <string>
#include <vector>

#include "daemon/operations.h"

namespace relay {

class EventHub {
public:
    void subscribe(EventSink& sink);
    void unsubscribe(EventSink& sink);
    // The time is filled in here. Sinks may subscribe and unsubscribe while they hear.
    void publish(EventSnapshot event);
    // Nobody hears: what comes in thousands a second need not be put into words.
    bool silent() const { return sinks_.empty(); }

private:
    std::vector<EventSink*> sinks_;
};

// A moment as the wall names it.
Moment moment_at(TimePoint then);
Moment moment_at_unix(std::int64_t unix_s);
// By the wall's clock, in seconds.
std::int64_t unix_now();

}  // namespace relay
