// All that a session knows of one stream, as plain data that an arena keeps: no pointers, no
// constructors with effects, so that another process can go on with it.
#pragma once

#include <array>
#include <type_traits>

#include "common/session/credit.h"
#include "common/session/event.h"
#include "common/session/ids.h"
#include "common/session/record_chain.h"
#include "common/session/ring.h"
#include "common/wire/close_reason.h"

namespace relay {

// The socket of a stream's local end, by which another process finds it again, and what the kernel
// had counted of it when the stream began. The session passes it on and looks at none of it.
struct LocalSocket {
    std::uint64_t id = 0;     // Of the kernel's own, for as long as it runs; 0: there is no socket.
    std::uint64_t given = 0;  // Bytes that had been read from it,
    std::uint64_t taken = 0;  // and written to it.
};

// Where a stream leads, while its local socket is not connected yet.
struct StoredDestination {
    std::uint16_t port;
    std::uint8_t host_size;
    std::uint8_t visitor_size;
    std::uint8_t listener_size;
    std::array<char, wire::host_max_bytes> host;
    std::array<char, wire::visitor_max_bytes> visitor;
    std::array<char, wire::visitor_max_bytes> listener;
    bool is_sealed;
    std::array<std::uint8_t, 32> sealed_for;
};

StoredDestination stored(const Destination& destination);
Destination destination_of(const StoredDestination& stored);

struct StreamRecord {
    StreamId id;
    ChainLink link{};
    LocalSocket socket{};
    BlockOffset destination = 0;  // A StoredDestination; 0: none is needed any more.
    BlockOffset seal = 0;         // A SealRecord; 0: the stream is not sealed, or not yet.
    BlockOffset ftp = 0;          // An FtpRecord; 0: nobody reads along.
    // Of a stream of ours: where the control stream's bytes ended before its OPEN.
    std::uint64_t opened_at = 0;
    CarrierId carrier{};    // Whom it is pinned to; 0: nobody.
    CarrierId answer_on{};  // Where its ACK goes: its last DATA came there, new or not.

    // Sending: acknowledged <= sent <= written; the ring holds [acknowledged, written).
    Ring sending{};
    std::uint64_t sent = 0;
    std::uint64_t sent_most = 0;      // Before any rewind.
    std::uint32_t peer_window = 0;    // Beyond `acknowledged`.
    std::uint32_t sending_bytes = 0;  // What the ring had, and will have when it is needed again.

    // Receiving: consumed <= received; the ring holds [consumed, received).
    Ring receiving{};
    Credit credit{};               // How far the peer may send.
    std::uint64_t finish_at = 0;   // Where the peer's bytes end, once has_finish.
    std::uint64_t dropped_to = 0;  // What came up to here was dropped, if `received` is less.

    // What is true of it.
    bool connected : 1 = false;
    bool finished : 1 = false;    // Our side will write nothing more.
    bool has_finish : 1 = false;  // The peer's FINISH has come.
    bool done_sent : 1 = false;   // We have taken all up to finish_at, and said so.
    bool done_received : 1 = false;
    bool resetting : 1 = false;  // Only waits for its RESET to enter the control stream.
    bool draining : 1 = false;   // Is reset too, but what was written before still goes out first.
    bool rewind_asked : 1 = false;  // By a REWIND, now that there is room again.

    // Which queues it is in, and what it waits for.
    bool scheduled : 1 = false;  // In its carrier's scheduler,
    bool parked : 1 = false;     // and only so as not to come back too soon.
    bool busy : 1 = false;  // Counted by its carrier: not all that was written is acknowledged.
    bool ack_queued : 1 = false;
    bool control_queued : 1 = false;
    bool wants_room : 1 = false;    // write_space() was empty.
    bool held_back : 1 = false;     // By nothing but the size of its ring.
    bool wants_memory : 1 = false;  // A ring could not be had.
    bool owes_connected : 1 = false;
    bool owes_finish : 1 = false;
    bool owes_done : 1 = false;

    bool sealed : 1 = false;  // Was opened as one that is sealed end to end.

    ResetReason reset_reason = ResetReason::Internal;

    std::uint32_t full_at_ms = 0;  // When the sending ring was last found full; any value will do.

    std::uint64_t acknowledged() const { return sending.begin; }
    std::uint64_t written() const { return sending.end; }
    std::uint64_t consumed() const { return receiving.begin; }
    std::uint64_t received() const { return receiving.end; }
    // Some bytes found no room: what follows is dropped until a REWIND has brought them again.
    bool dropping() const { return received() < dropped_to; }
};

static_assert(std::is_trivially_copyable_v<StreamRecord>);
static_assert(sizeof(StreamRecord) <= 512);  // One block.
static_assert(std::is_trivially_copyable_v<StoredDestination>);

}  // namespace relay
