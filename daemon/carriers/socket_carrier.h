// The one carrier there is: a socket, with TLS and WebSocket on it or not.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/base/random.h"
#include "common/protocols/websocket.h"
#include "daemon/carriers/carrier.h"
#include "daemon/carriers/send_pace.h"
#include "daemon/carriers/tunnel.h"
#include "daemon/carriers/unsent_limit.h"
#include "daemon/io/loop.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"
#include "daemon/io/tls_channel.h"
#include "daemon/io/wire_buffers.h"

namespace relay {

// A connection that is past TLS's handshake and WebSocket's upgrade.
struct OpenedSocket {
    std::unique_ptr<Underlay> underlay;  // Null: the socket is the connection itself.
    std::unique_ptr<Poll> poll;
    std::unique_ptr<TlsChannel> tls;         // None on ws.
    std::optional<WebSocketRole> websocket;  // Our role; none on tls.
    CarrierInfo info;
    ByteVector early;  // Bytes behind the handshakes, decrypted and not yet unwrapped;
                       // max_received at most.
};

// Never calls its user from within a call of its user, and encrypts in memory that all carriers of
// the loop share: filling happens in deferred tasks, reading in events.
//
//     Open --close_after_flush--> Flushing --all sent--> Lingering --peer's end, 2 s--> Closed
//
// Failure, and the peer's goodbye, lead to Closed from any state.
class SocketCarrier final : public Carrier {
public:
    // `loop` and `random` must outlive it.
    SocketCarrier(Loop& loop, Random& random, OpenedSocket opened);
    ~SocketCarrier() override;
    SocketCarrier(const SocketCarrier&) = delete;
    SocketCarrier& operator=(const SocketCarrier&) = delete;

    void start(CarrierUser& user) override;
    void kick() override;
    void close_after_flush() override;
    bool has_unsent() const override { return !unsent_.empty(); }
    const CarrierInfo& info() const override { return info_; }
    const CarrierCounters& counters() const override { return counters_; }
    std::optional<PathFigures> path() const override { return path_figures(poll_->fd()); }

private:
    enum class State { Open, Flushing, Lingering, Closed };
    class Presence;

    void ready(PollEvents events);
    void turn_ended();
    bool begin();
    void set_interest();

    // Receiving. False: closed or destroyed, and nothing may be touched any more.
    std::size_t turn_bytes() const;
    bool receive_some();
    bool take(MutableBytes wire);
    Status decrypt(MutableBytes wire, const Presence& presence);
    Status unwrap(MutableBytes input, const Presence& presence);
    Status deliver(MutableBytes piece, const Presence& presence);

    // Sending. The same promise.
    bool pump();
    bool should_wait();
    bool gather(MutableBytes& out, const Presence& presence);
    Status put_record(MutableBytes& out, WebSocketOpcode opcode, std::size_t payload_size);
    Status put_goodbye(MutableBytes& out);
    bool send_now(Bytes wire);
    bool send_unsent();
    void has_sent(std::size_t bytes);
    void flushed();
    void send_goodbye_at_once();

    bool finish(const Error& why);

    Loop& loop_;
    Random& random_;
    CarrierUser* user_ = nullptr;
    CarrierInfo info_;
    CarrierCounters counters_;
    State state_ = State::Open;

    std::unique_ptr<Underlay> underlay_;
    std::unique_ptr<TlsChannel> tls_;
    std::optional<WebSocketRole> websocket_;
    std::optional<WebSocketReader> reader_;

    ByteVector early_;
    ByteVector kept_;    // What the user left unconsumed.
    ByteVector unsent_;  // Ciphertext the kernel did not take.
    SendPace pace_{records_per_send};
    std::optional<ByteVector> pong_;  // The latest ping's payload, still to be answered.
    bool waits_ = false;              // For the kernel to have less to send, on a slow path.
    bool has_begun_ = false;
    bool has_delivered_ = false;  // Since the user was last told that all is there.
    bool peer_said_goodbye_ = false;

    bool* gone_ = nullptr;  // See Presence.
    Deferred turn_end_;
    UvTimer patience_;
    std::unique_ptr<Poll> poll_;
    UnsentLimit unsent_limit_;
};

}  // namespace relay
