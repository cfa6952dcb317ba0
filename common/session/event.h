// What happened in a session, as values. The driver acts on them; none holds a pointer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "common/crypto/ed25519.h"
#include "common/session/ids.h"
#include "common/wire/close_reason.h"
#include "common/wire/control_message.h"

namespace relay {

// Where a stream leads at the far end. The home decides whether it may.
struct Destination {
    std::string host;  // A name or an address, at most wire::host_max_bytes.
    std::uint16_t port = 0;
    std::string visitor;  // Who asked, for the far end's log; at most wire::visitor_max_bytes.
    // Where the visitor came to, ADDRESS:PORT, if the target is to be told by a PROXY header; at
    // most wire::visitor_max_bytes.
    std::string listener = {};
    // The visitor's key, as the relay has proved it, if the stream is sealed (PROTOCOL.md 11).
    std::optional<PublicKey> sealed_for = {};
};

// What a home asks its relay to listen on, as it said it: only the sizes of the texts are known to
// be right (PROTOCOL.md 10).
struct WantedForward {
    std::string address;
    std::uint16_t port = 0;
    std::string target;
    std::uint16_t target_port = 0;
    std::uint32_t grace_s = 0;
    std::string probe;
    bool proxy_protocol = false;
    std::optional<wire::FtpWish> ftp = {};
};
// What became of it, by the address and port that were asked for.
struct ForwardTold {
    std::string address;
    std::uint16_t port = 0;
    wire::ForwardStateKind state{};
    std::string why;
};

// The home has said all its forwards.
struct ForwardsWanted {
    std::vector<WantedForward> forwards;
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
// read_data() has bytes again, after it was empty; of a sealed stream also: has more,
// or all that there will be.
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
// A ping was answered, after ping().
struct CarrierAnswered {
    CarrierId carrier;
    Duration rtt;
};
// The session is over, and all its streams were reset by events before this one.
struct SessionOver {
    EndReason reason;
};

using Event = std::variant<StreamOpened, StreamConnected, StreamReadable, StreamFinished,
                           StreamWritable, StreamReset, StreamClosed, CarrierDead, CarrierReady,
                           CarrierAnswered, SessionOver, ForwardsWanted, ForwardTold>;

}  // namespace relay
