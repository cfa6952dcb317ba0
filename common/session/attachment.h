// One carrier, as its session sees it.
#pragma once

#include <deque>
#include <optional>

#include "common/session/ids.h"
#include "common/session/liveness.h"
#include "common/session/write_scheduler.h"

namespace relay {

struct Attachment {
    CarrierId id;
    Liveness liveness;
    WriteScheduler scheduler{};
    std::deque<StreamId> to_announce{};  // Streams whose ACK is owed on this carrier.
    bool announced = false;              // Our RESUMED is written.
    bool ready = false;                  // The peer's RESUMED has come: data may flow.
    bool bye_written = false;
    std::optional<std::uint64_t> pong{};   // The token to answer.
    bool answer_wanted = false;            // Somebody asked by ping().
    std::optional<Duration> round_trip{};  // The shortest that a ping has shown.
    std::size_t busy = 0;              // How many streams have bytes under way or to send on it.
    std::deque<StreamId> acks_owed{};  // Of streams whose DATA came here last.
    std::optional<TimePoint> acks_due{};
};

}  // namespace relay
