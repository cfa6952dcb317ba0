// What happens, as signals: each event as one of general form, and some as one of their own.
#pragma once

#include <cstdint>

#include "common/control/snapshot.h"

struct sd_bus;

namespace relay {

class BusSignals {
public:
    // What a bus that takes nothing may leave unsent, in messages.
    static constexpr std::uint64_t max_waiting = 1000;

    // Events that come while so much waits are counted, and told by EventsLost.
    void send(sd_bus& bus, const EventSnapshot& event);

private:
    std::uint64_t lost_ = 0;
};

}  // namespace relay
