// What happened in a session, as values. The driver acts on them; none holds a pointer.
#pragma once

#include <string>
#include <variant>

#include "common/session/ids.h"
#include "common/wire/close_reason.h"

namespace relay {

// Where a stream leads at the far end. The home decides whether it may.
struct Destination {
    std::string host;  // A name or an address, at most wire::host_max_bytes.
    std::uint16_t port = 0;
    std::string visitor;  // Who asked, for the far end's log; at most wire::visitor_max_bytes.
};

// The peer opened a stream. Connect to the destination, then say connected() or reset().
struct StreamOpened {
    StreamId stream;
    Destination destination;
};
// The far end's socket is connected.
struct StreamConnected {
    StreamId stream;
};
// read_data() has bytes again, after it was empty.
struct StreamReadable {
    StreamId stream;
};
// The peer's last byte has been consumed: shut the local socket's sending side.
struct StreamFinished {
    StreamId stream;
};
// write_space() has room again, after it had none.
struct StreamWritable {
    StreamId stream;
};
// Over by reset, from the peer or with the session: the record is gone, close the socket with RST.
struct StreamReset {
    StreamId stream;
    ResetReason reason;
};
// Over in good order, both ways, every byte consumed: the record is gone, close the socket.
struct StreamClosed {
    StreamId stream;
};
// No answer within the deadline, or a broken rule. Already detached: close the connection.
struct CarrierDead {
    CarrierId carrier;
    std::string text;
};
// Both ends have said how far they are: data may flow on this carrier.
struct CarrierReady {
    CarrierId carrier;
};
// The session is over, and all its streams were reset by events before this one.
struct SessionOver {
    EndReason reason;
};

using Event =
    std::variant<StreamOpened, StreamConnected, StreamReadable, StreamFinished, StreamWritable,
                 StreamReset, StreamClosed, CarrierDead, CarrierReady, SessionOver>;

}  // namespace relay
