// A carrier: one connection that moves bytes of frames both ways, inside TLS and WebSocket or not.
// It knows no session and never redials.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/endpoint.h"
#include "common/base/result.h"
#include "common/wire/limits.h"
#include "daemon/io/path_figures.h"

namespace relay {

// The most that one carrier_fill() is asked for. With WebSocket's header it makes one TLS record,
// and the four that are sent at a time make one segment of 65,464 bytes, the largest that TCP over
// IPv6 has on loopback: a byte more would be a packet more, each time (decision 34).
constexpr std::size_t max_carrier_fill = 16384 - 48;
// What a full one carries of a stream.
constexpr std::size_t stream_bytes_per_fill =
    max_carrier_fill - wire::frame_header_bytes - wire::data_header_bytes;
// The most that a user may leave unconsumed.
constexpr std::size_t max_carrier_rest = 64 * 1024;

struct CarrierInfo {
    CarrierKind kind = CarrierKind::Tls;
    std::string peer_address;  // "192.0.2.1:4711", "[2001:db8::1]:443".
    // RFC 9266 tls-exporter of this connection; none on ws.
    std::optional<std::array<std::uint8_t, 32>> tls_exporter;
    // The settings trust whoever may end TLS in between; PROTOCOL.md 3.2.
    bool may_be_unbound = false;
    // How it was dialled: "direct", or the proxy's URL without its password; else empty.
    std::string road = {};
};

struct CarrierCounters {
    std::uint64_t bytes_in = 0;  // On the socket, TLS and WebSocket included.
    std::uint64_t bytes_out = 0;
};

// Why a carrier is closed that the peer closed in good order.
inline constexpr std::string_view carrier_goodbye = "the peer closed the carrier";

// Who uses a carrier. Any of these calls may destroy the carrier.
class CarrierUser {
public:
    virtual ~CarrierUser() = default;

    // Bytes that arrived, in order. What is consumed leaves the front of `input`; the rest, at most
    // max_carrier_rest, is shown again with what comes later. An error closes the carrier with its
    // text. `input` is valid during the call only.
    virtual Status carrier_received(Bytes& input) = 0;

    // All that came at one time has been received: what it leads to may be done for all of it.
    virtual void carrier_drained() {}

    // Writes whole frames to send now into `room` (max_carrier_fill bytes), and says how many
    // bytes. 0: nothing to send, until the next kick().
    virtual std::size_t carrier_fill(MutableBytes room) = 0;

    // Once, and the last call. `why` is also given when the peer closed in good order.
    virtual void carrier_closed(const Error& why) = 0;
};

class Carrier {
public:
    virtual ~Carrier() = default;  // Closes at once, and calls nobody.

    // From then on bytes flow. `user` must outlive the carrier. Once; calls nobody before it
    // returns.
    virtual void start(CarrierUser& user) = 0;

    // There is something to send. Cheap, and any number of calls in one turn of the loop count
    // once: the fills happen after the callbacks of this turn, never inside the call.
    virtual void kick() = 0;

    // Fills no more, sends what is filled so far, says goodbye (WebSocket close, close_notify) and
    // closes; then carrier_closed(). Waits 2 s for the peer at most.
    virtual void close_after_flush() = 0;

    // Bytes filled and not yet taken by the kernel.
    virtual bool has_unsent() const = 0;
    virtual const CarrierInfo& info() const = 0;
    virtual const CarrierCounters& counters() const = 0;
    // As the kernel sees it now; nothing for what is not TCP.
    virtual std::optional<PathFigures> path() const = 0;
};

}  // namespace relay
