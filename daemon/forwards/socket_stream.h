// A stream and its TCP connection: how the two come together, at either end of a session.
#pragma once

#include "daemon/forwards/rate_limit.h"
#include "daemon/forwards/target_dialer.h"
#include "daemon/io/parking.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

// All of it outlives the stream.
struct StreamPlace {
    Loop& loop;
    SessionDriver& driver;
    Parking& parking;
    RateLimits* rates = nullptr;  // That its bytes keep to; null: none.
};

// Opens a stream for a connection that was accepted here, and is parked. settle() is to follow. On
// failure the connection is reset.
Result<StreamId> open_stream(const StreamPlace& place, UniqueFd socket, const Destination& to);
// For a stream of ours that was opened without its connection, which is parked, and is here now.
void join_stream(const StreamPlace& place, StreamId stream, UniqueFd socket);
// For a stream that the peer opened: the connection that was made for it, not parked yet.
void serve_stream(const StreamPlace& place, StreamId stream, UniqueFd socket);
// Goes on with the connection that a former process had for the stream. settle() is to follow.
void restore_stream(const StreamPlace& place, StreamId stream, UniqueFd socket);

// The end of a stream that the peer opened while its target is dialled. What the peer says
// meanwhile waits in the stream's ring.
class DialledEnd final : public StreamEnd {
public:
    // As TargetDialer. `on_done` is to serve the stream, or to reset it.
    DialledEnd(Loop& loop, HostPort target, Duration deadline, TargetDialer::MayDial may_dial,
               TargetDialer::OnDone on_done)
        : dialer_(loop, std::move(target), deadline, std::move(may_dial), std::move(on_done)) {}

    TargetDialer& dialer() { return dialer_; }

    void readable() override {}
    void writable() override {}
    void finished() override {}
    void closed() override {}
    void reset(ResetReason) override {}

private:
    TargetDialer dialer_;
};

}  // namespace relay
