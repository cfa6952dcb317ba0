// A session: what a home and its relay have with each other. It outlives its carriers. Streams are
// counted in bytes, what the peer has not acknowledged is kept, and after any break both ends say
// how far they are and go on (docs/PROTOCOL.md).
//
// Deterministic: no socket, clock, log or chance. One input, then drain next_event() and transmit()
// on each carrier that has_work(), then arm one timer for deadline().
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/session/arena.h"
#include "common/session/event.h"
#include "common/session/ids.h"

namespace relay {

struct SessionOptions {
    Duration ping_interval = std::chrono::seconds(3);
    Duration ping_deadline = std::chrono::seconds(7);   // After the ping without a sign of life.
    Duration keep = std::chrono::minutes(15);           // Without any carrier, then it is over.
    Duration ack_delay = std::chrono::milliseconds(20);  // For what no frame can carry along.
    std::uint32_t ring_bytes = wire::window_initial_bytes;
    std::size_t memory_budget_bytes = std::size_t{256} << 20;  // Of all rings of this session.
    std::size_t streams_max = 8192;
};

struct StreamInfo {
    StreamId id;
    bool connected = false;  // The far end's socket is.
    bool sent_finish = false;
    bool received_finish = false;
    std::uint64_t bytes_sent = 0;      // Acknowledged by the peer.
    std::uint64_t bytes_received = 0;  // Consumed here.
    std::size_t buffered_bytes = 0;    // Held in both rings.
    std::optional<CarrierId> carrier;
};

struct CarrierStats {
    bool ready = false;
    std::optional<Duration> rtt;  // Of the last answered ping.
};

class Session {
public:
    // `arena` outlives the session and may be shared by many. `now` starts the time to attach.
    Session(Side side, const SessionId& id, Arena& arena, const SessionOptions& options,
            TimePoint now);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const SessionId& id() const;
    bool attached() const;  // Has at least one carrier.
    bool over() const;      // SessionOver was or will be said: nothing else works any more.

    // Carriers. An authenticated connection joins or leaves; ids are the driver's, never reused.
    void attach(CarrierId carrier, TimePoint now);
    void detach(CarrierId carrier, TimePoint now);

    // Takes whole frames off the front of `input`. An error is the peer's fault: its carrier is
    // detached already, and the driver closes the connection.
    Status receive(CarrierId carrier, Bytes& input, TimePoint now);

    // Writes whole frames to `room` (at least wire::frame_header_bytes + data_header_bytes + 1) and
    // returns their length. What is written counts as sent. 0: nothing to send.
    std::size_t transmit(CarrierId carrier, MutableBytes room, TimePoint now);
    bool has_work(CarrierId carrier) const;

    std::optional<Event> next_event();
    std::optional<TimePoint> deadline() const;
    void deadline_reached(TimePoint now);

    // Opens a stream to the peer's side. Bytes may be written at once.
    // LimitReached as ErrorCode::TooLarge; malformed destination as Malformed.
    Result<StreamId> open(const Destination& destination, TimePoint now);
    // The peer's stream has its local socket.
    void connected(StreamId stream);

    // Where the next bytes of the local socket go: up to two pieces, both empty while there is no
    // room; StreamWritable says when there is. Valid until the next call of any kind.
    std::array<MutableBytes, 2> write_space(StreamId stream);
    void wrote(StreamId stream, std::size_t count);
    // The local socket will send nothing more.
    void finish(StreamId stream);

    // What the local socket has yet to take. Valid until the next call of any kind.
    std::array<Bytes, 2> read_data(StreamId stream) const;
    void consumed(StreamId stream, std::size_t count, TimePoint now);

    // Ends a stream at once, both ways. No event follows for it.
    void reset(StreamId stream, ResetReason reason);

    // Says goodbye to the peer with the next transmit(), resets all streams, ends the session.
    void end(EndReason reason);

    bool has(StreamId stream) const;
    std::optional<StreamInfo> info(StreamId stream) const;
    std::vector<StreamId> streams() const;
    CarrierStats carrier_stats(CarrierId carrier) const;
    std::size_t memory_bytes() const;  // In rings, of the budget.

private:
    class Machine;
    std::unique_ptr<Machine> machine_;
};

}  // namespace relay
