// A session: what a home and its relay have with each other. It outlives its carriers. Streams are
// counted in bytes, what the peer has not acknowledged is kept, and after any break both ends say
// how far they are and go on (docs/PROTOCOL.md).
//
// Deterministic: no socket, clock, log or chance. One input, then drain next_event() and transmit()
// on each carrier that has_work(), then arm one timer for deadline().
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/protocols/ftp_record.h"
#include "common/sealing/seal_record.h"
#include "common/session/arena.h"
#include "common/session/attachment.h"
#include "common/session/event.h"
#include "common/session/ids.h"
#include "common/session/session_record.h"
#include "common/session/session_remains.h"
#include "common/session/stream_table.h"
#include "common/wire/control_message.h"
#include "common/wire/frame.h"

namespace relay {

struct SessionOptions {
    // Without streams both are half of their sum: death is noticed as soon, by fewer pings.
    Duration ping_interval = std::chrono::seconds(3);
    Duration ping_deadline = std::chrono::seconds(7);    // After the ping without a sign of life.
    Duration keep = std::chrono::minutes(10);            // Without any carrier, then it is over.
    Duration ack_delay = std::chrono::milliseconds(20);  // For what no frame can carry along,
    Duration ack_delay_busy = std::chrono::milliseconds(1);  // and if much has come (credit.h).
    // Of each direction of a stream; powers of two. The least is never denied.
    std::uint32_t ring_least_bytes = 4096;
    std::uint32_t ring_start_bytes = 65536;
    std::uint32_t ring_most_bytes = wire::window_max_bytes;  // At least the initial window.
    std::uint32_t window_bytes =
        wire::window_initial_bytes;  // Before the first ACK; the peer's too.
    std::size_t memory_budget_bytes = std::size_t{64} << 20;  // Of all rings of this session.
    std::size_t process_budget_bytes = SIZE_MAX;              // Of all that is in the arena.
    std::size_t streams_max = 8192;
    // Whose session it is, for whoever goes on with it after this process.
    std::string owner{};
};

struct StreamInfo {
    StreamId id;
    bool connected = false;  // The far end's socket is.
    bool sent_finish = false;
    bool received_finish = false;
    bool received_all = false;         // Nothing comes behind what read_data() has.
    std::uint64_t bytes_sent = 0;      // Acknowledged by the peer.
    std::uint64_t bytes_received = 0;  // Consumed here.
    std::size_t buffered_bytes = 0;    // Held in both rings.
    std::optional<CarrierId> carrier;
    LocalSocket socket{};
    std::uint64_t bytes_written = 0;  // Acknowledged or not.
    bool sealed = false;              // End to end: what passes here is ciphertext, or made of it,
    std::optional<PublicKey> sealed_with = {};  // with whom, once that is proved to us.
};

// What the local socket of a stream has given and taken since the stream began, by the kernel's
// count.
struct SocketPosition {
    std::uint64_t given = 0;
    std::uint64_t taken = 0;
    bool ended = false;  // It was told that nothing more comes, or has failed.
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
    // Goes on with a session that another process left, without carriers. `find_socket` is asked
    // once for each local socket and says how far it is, for which it may need to know how far it
    // was when that process last wrote it down; nothing: it is gone. A stream without
    // its socket, or whose record makes no sense, is reset. For those of the peer whose local
    // socket never came to be there is a StreamOpened again.
    using FindSocket = std::function<std::optional<SocketPosition>(
        const LocalSocket&, const SocketPosition& written_down)>;
    Session(const SessionRemains& remains, const FindSocket& find_socket, Arena& arena,
            const SessionOptions& options, TimePoint now);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const SessionId& id() const;
    bool attached() const;  // Has at least one carrier.
    bool over() const;      // SessionOver was or will be said: nothing else works any more.

    // Carriers. An authenticated connection joins or leaves; ids are the driver's, never reused.
    void attach(CarrierId carrier, TimePoint now);
    void detach(CarrierId carrier, TimePoint now);

    // Asks the peer for a sign of life by this carrier: CarrierAnswered follows, or never does. One
    // that is under way already will do.
    void ping(CarrierId carrier, TimePoint now);

    // Takes whole frames off the front of `input`. An error is the peer's fault: its carrier is
    // detached already, and the driver closes the connection.
    Status receive(CarrierId carrier, Bytes& input, TimePoint now);

    // Writes whole frames to `room` and returns their length. What is written counts as sent. 0:
    // nothing to send. In less room not even what is most urgent fits together.
    static constexpr std::size_t transmit_room_min_bytes = 64;
    std::size_t transmit(CarrierId carrier, MutableBytes room, TimePoint now);
    bool has_work(CarrierId carrier) const;

    // A StreamReset or StreamClosed may come for a stream that was reset here meanwhile, or that
    // was over before its StreamOpened could be handed out.
    std::optional<Event> next_event();
    std::optional<TimePoint> deadline() const;
    void deadline_reached(TimePoint now);

    // Opens a stream to the peer's side. Bytes may be written at once.
    // LimitReached as ErrorCode::TooLarge; malformed destination as Malformed.
    // A stream without a local socket ends with this process.
    Result<StreamId> open(const Destination& destination, TimePoint now,
                          const LocalSocket& socket = {});
    // A stream of ours that began without its local socket has it: from now on it can outlive this
    // process.
    void set_socket(StreamId stream, const LocalSocket& socket);
    // The peer's stream has its local socket.
    void connected(StreamId stream, const LocalSocket& socket = {});

    // Where the next bytes of the local socket go: up to two pieces, both empty while there is no
    // room; StreamWritable says when there is. Valid until the next call of any kind.
    std::array<MutableBytes, 2> write_space(StreamId stream);
    // So many bytes were put there. 0 gives the memory back until it is asked for again.
    void wrote(StreamId stream, std::size_t count);
    // The same, where less room than this is none: `least` is at most SessionOptions'
    // ring_least_bytes.
    std::array<MutableBytes, 2> write_space_of(StreamId stream, std::size_t least);
    // The local socket will send nothing more.
    void finish(StreamId stream);

    // What the local socket has yet to take. Valid until the next call of any kind.
    std::array<Bytes, 2> read_data(StreamId stream) const;
    void consumed(StreamId stream, std::size_t count, TimePoint now);

    // Ends a stream at once, both ways. No event of it is worth waiting for.
    void reset(StreamId stream, ResetReason reason);

    // What the local end of a sealed stream keeps (PROTOCOL.md 11); a former one is replaced at
    // once. False: there is no memory, or no such stream. The stream's bytes and its socket's are
    // counted apart from then on, as the record says.
    bool keep_seal(StreamId stream, const SealRecord& seal);
    // Null: none is kept. Valid as long as the stream lives and keep_seal() is not called.
    SealRecord* seal(StreamId stream);
    const SealRecord* seal(StreamId stream) const;
    // What the local end of an FTP control connection keeps (docs/FTP.md), empty; its local socket
    // is to be named afterwards. Null: there is no memory, or no such stream. The stream's bytes
    // and its socket's are counted apart from then on, as the record says.
    FtpRecord* keep_ftp(StreamId stream);
    // Null: none is kept. Valid as long as the stream lives.
    FtpRecord* ftp(StreamId stream);
    // The version of the protocol that the peer speaks, of those that both know; 0: not heard yet.
    void set_peer_version(std::uint16_t version) { record_.peer_version = version; }
    std::uint16_t peer_version() const { return record_.peer_version; }

    // Forwards (PROTOCOL.md 10). A home says all that it wants: at most wire::forwards_asked_max.
    void want_forwards(std::vector<WantedForward> forwards);
    // A relay says what became of one, and asks for all of them again.
    void tell_forward(const ForwardTold& forward);
    void ask_forwards_again();

    // Says goodbye to the peer with the next transmit(), resets all streams, ends the session.
    void end(EndReason reason);

    bool has(StreamId stream) const;
    // How far the stream's local socket is, as of the last call here.
    SocketPosition position(StreamId stream) const;
    // For calls that move bytes of local sockets which nobody counts.
    MoveMark& mark() const { return arena_.mark(); }
    std::optional<StreamInfo> info(StreamId stream) const;
    std::vector<StreamId> streams() const;
    CarrierStats carrier_stats(CarrierId carrier) const;
    std::size_t memory_bytes() const;  // In rings, of the budget.

private:
    // Carriers (session.cpp).
    Attachment* find(CarrierId carrier);
    const Attachment* find(CarrierId carrier) const;
    void adopt_orphans();
    void announce_everything(Attachment& carrier);
    CarrierId least_busy() const;
    bool may_move(const StreamRecord& stream) const;
    void move(StreamRecord& stream, CarrierId carrier);
    void balance(StreamRecord& stream);
    void mark_busy(StreamRecord& stream);
    void mark_idle(StreamRecord& stream);
    Liveness::Pace pace() const;
    void pin(StreamRecord& stream, CarrierId carrier);

    // Memory (session_memory.cpp).
    Duration round_trip(const StreamRecord& stream) const;
    void measure_credit(StreamRecord& stream, TimePoint now);
    std::uint32_t turns_bytes() const;
    bool needs_room_for_turns(StreamRecord& stream) const;
    bool may_grow(const StreamRecord& stream, std::uint32_t capacity) const;
    bool make_sending_room(StreamRecord& stream);
    std::size_t make_receiving_room(StreamRecord& stream, std::size_t count);
    void drop_the_rest(StreamRecord& stream, std::uint64_t end);
    void ask_to_rewind(StreamRecord& stream);
    void settle_sending(StreamRecord& stream);
    void settle_receiving(StreamRecord& stream);
    void wait_for_memory(StreamRecord& stream);
    void serve_memory_waiters();

    // What arrives (session_receive.cpp).
    Status on_frame(Attachment& carrier, const wire::Frame& frame, TimePoint now);
    Status on_data(const Attachment& carrier, const wire::Data& data, TimePoint now);
    Status on_gap(StreamRecord& stream, std::uint64_t end);
    void keep(StreamRecord& stream, Bytes fresh);
    Status on_control_data(const Attachment& carrier, const wire::Data& data, TimePoint now);
    void answer_on(const Attachment& carrier, StreamRecord& stream, TimePoint now);
    Status on_ack(Attachment& carrier, const wire::Ack& ack, TimePoint now);
    void on_pong(Attachment& carrier, std::uint64_t token, TimePoint now);
    Status on_rewind(const wire::Rewind& rewind);
    void on_resumed(Attachment& carrier);
    Status on_message(const wire::ControlMessage& message);
    Status on_open(const wire::Open& open);
    Status on_finish(const wire::Finish& finish);
    Status on_done(StreamId stream);
    Result<StreamRecord*> known(StreamId stream) const;

    // What leaves (session_transmit.cpp).
    void write_announcements(Attachment& carrier, ByteWriter& writer);
    void write_streams(Attachment& carrier, ByteWriter& writer);
    std::size_t write_data(StreamRecord& stream, ByteWriter& writer);
    void write_acks(Attachment& carrier, ByteWriter& writer);
    bool can_send(const StreamRecord& stream) const;
    void schedule(StreamRecord& stream);
    Duration ack_delay(const StreamRecord& stream) const;
    void owe_ack(StreamRecord& stream, TimePoint now);
    wire::Ack ack_of(StreamRecord& stream) const;
    void write_rewind(StreamRecord& stream, ByteWriter& writer) const;

    // What a home wants its relay to listen on (session_forwards.cpp).
    Status on_forward_message(const wire::ControlMessage& message);
    void say_forwards();
    void notice(const wire::ControlMessage& message);
    void flush_notices();

    // Lifecycles (session_streams.cpp).
    StreamRecord fresh_record(StreamId id) const;
    StreamRecord* living(StreamId id) const;
    // Its end may leave a part of something that waits for more. The relay between the two ends of
    // a sealed stream only carries it.
    bool takes_whole_pieces(const StreamRecord& stream) const {
        return stream.ftp != 0 || (stream.sealed && side_ == Side::Home);
    }
    bool put_message(const wire::ControlMessage& message);
    bool put_bytes(Bytes message);
    void owe_message(StreamRecord& stream);
    void flush_messages();
    bool flush_messages_of(StreamRecord& stream);
    void settle_finish(StreamRecord& stream);
    void close_if_done(StreamRecord& stream);
    void acknowledge(StreamRecord& stream, std::uint64_t offset);
    void release_rings(StreamRecord& stream);
    void forget(StreamRecord& stream);
    void forget_destination(StreamRecord& stream);
    void forget_seal(StreamRecord& stream);
    void forget_ftp(StreamRecord& stream);
    void unlink();

    // What another process left (session_restore.cpp).
    bool take_over_control(const StreamRecord& former, const SessionRemains& remains);
    void take_over(const StreamRecord& former, const SessionRemains& remains,
                   const FindSocket& find_socket);
    bool take_over_bytes(StreamRecord& stream, const StreamRecord& former,
                         const SessionRemains& remains, const SocketPosition& position);
    bool take_over_destination(StreamRecord& stream, const StreamRecord& former,
                               const SessionRemains& remains);
    // (session_seals.cpp)
    static SocketPosition written_down(const StreamRecord& former, const SessionRemains& remains);
    bool take_over_seal(StreamRecord& stream, const StreamRecord& former,
                        const SessionRemains& remains, SocketPosition& position);
    bool take_over_ftp(StreamRecord& stream, const StreamRecord& former,
                       const SessionRemains& remains, SocketPosition& position);
    void say_again(StreamRecord& stream);

    const Side side_;
    const SessionId id_;
    const SessionOptions options_;
    Arena& arena_;
    const BlockOffset block_;
    SessionRecord& record_;  // In that block.
    bool linked_ = true;
    RingMemory memory_;
    StreamTable streams_;
    StreamRecord& control_;     // In streams_, as the others.
    ByteVector control_input_;  // An incomplete message, shorter than its limit.
    bool may_repeat_ = false;   // The next control message may have been heeded before a restart.

    std::vector<std::unique_ptr<Attachment>> carriers_;

    std::deque<Event> events_;
    std::deque<StreamId> messages_owed_;
    std::deque<StreamId> rewinds_owed_;
    std::deque<ByteVector> notices_;       // Messages about forwards that have found no room yet.
    std::vector<WantedForward> forwards_;  // Ours, as last said; or the peer's, as far as heard.
    std::optional<std::size_t> forwards_announced_;  // By the peer; while its list is incomplete.
    bool asked_again_ = false;
    std::deque<StreamId> memory_waiters_;
    std::optional<TimePoint> memory_retry_;
    TimePoint now_{};  // Of the last input; for what has no time of its own.
    bool over_ = false;
    std::optional<EndReason> bye_;
};

}  // namespace relay
