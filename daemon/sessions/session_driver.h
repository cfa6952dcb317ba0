// Runs one session on the loop: its carriers, the local ends of its streams, its one timer.
//
// The driver's law: one input, then hand out all events, kick the carriers that have work, arm the
// timer. settle() does the last three.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/session/session.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"
#include "daemon/sessions/carrier_port.h"
#include "daemon/sessions/held_readable.h"
#include "daemon/sessions/stream_end.h"

namespace relay {

class SessionDriver;

// Who owns a driver. Called while it settles, so it must not be destroyed inside, but for
// session_ended().
class SessionUser {
public:
    virtual ~SessionUser() = default;
    // The peer asks for a destination: adopt() an end for it, or reset it.
    virtual void stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) = 0;
    // A stream is over, in good order or by a reset from either side. Its end is destroyed next.
    virtual void stream_over(SessionDriver& driver, StreamId stream,
                             std::optional<ResetReason> reset) = 0;
    // A carrier is ready for data, the first or another one.
    virtual void carrier_ready(SessionDriver& driver) = 0;
    // Whether any is left says attached().
    virtual void carrier_lost(SessionDriver& driver, const std::string& why) = 0;
    // The peer has closed one in good order, and goes on by another.
    virtual void carrier_left(SessionDriver& driver) = 0;
    // What a home wants us to listen on; and what a relay made of it.
    virtual void forwards_wanted(SessionDriver&, const std::vector<WantedForward>&) {}
    virtual void forward_told(SessionDriver&, const ForwardTold&) {}
    // Over, and nothing more comes. The driver may be destroyed inside.
    virtual void session_ended(SessionDriver& driver, EndReason reason) = 0;
};

class SessionDriver {
public:
    struct CarrierView {
        std::uint8_t slot;
        CarrierInfo info;
        CarrierCounters counters;
        CarrierStats stats;
        TimePoint since;
        std::optional<PathFigures> path;
    };

    // What one full record carries of a stream: multiples of it leave none half empty.
    static constexpr std::size_t bytes_per_record = stream_bytes_per_fill;

    // `user` and `arena` outlive it.
    SessionDriver(Loop& loop, SessionUser& user, Side side, const SessionId& id, Arena& arena,
                  const SessionOptions& options);
    // Goes on with a session of a former process: see Session. Its streams get their ends by
    // restore(), and then settle() begins.
    SessionDriver(Loop& loop, SessionUser& user, const SessionRemains& remains,
                  const Session::FindSocket& find_socket, Arena& arena,
                  const SessionOptions& options);
    ~SessionDriver();
    SessionDriver(const SessionDriver&) = delete;
    SessionDriver& operator=(const SessionDriver&) = delete;

    // Takes a carrier whose handshake is done. The former one of the same slot is closed.
    void attach(std::unique_ptr<CarrierPort> port, std::uint8_t slot);
    // Closes the carrier of a slot in good order; its streams go on by the others.
    void retire(std::uint8_t slot);
    // Closes all carriers; the session goes on, and waits for another.
    void drop_carriers();
    // Says goodbye to the peer and ends; session_ended() follows.
    void end(EndReason reason);

    // The same, once what is under way has left, so that streams that just ended well do so at the
    // peer too.
    void end_after_flush(EndReason reason);

    // Pings by the first carrier that is ready, and says which one; if none is, by the first that
    // will be, once it is; without any, nothing happens.
    // `answered` is called at most once, never within the call, and not when the carrier goes
    // before.
    using Answered = std::function<void(Duration rtt)>;
    std::optional<CarrierView> ping(Answered answered);

    // Opens a stream to the peer's side with a local end for it.
    Result<StreamId> open(const Destination& to, std::unique_ptr<StreamEnd> end,
                          const LocalSocket& socket = {});
    // The local end of a stream that the peer opened, in place of a former one. It is told
    // readable() if there is something to read, and finished() if nothing ever will be.
    void adopt(StreamId stream, std::unique_ptr<StreamEnd> end);
    void restore(StreamId stream, std::unique_ptr<StreamEnd> end) {
        ends_[stream].end = std::move(end);
    }
    // Ends a stream from here: its end hears reset() and is destroyed.
    void reset(StreamId stream, ResetReason reason);

    Session& session() { return session_; }
    const Session& session() const { return session_; }
    bool attached() const { return session_.attached(); }
    // At least one carrier through which data may flow.
    bool ready() const;
    std::vector<CarrierView> carriers() const;
    bool has_carrier(std::uint8_t slot) const;
    TimePoint since() const { return since_; }
    std::uint64_t bytes_in() const { return bytes_in_; }    // Payload, consumed here.
    std::uint64_t bytes_out() const { return bytes_out_; }  // Payload, written here.

    // To be called last by whoever used session() outside of an event. May destroy stream ends.
    void settle();

    // For stream ends: keep the counters.
    void count_in(std::size_t bytes) { bytes_in_ += bytes; }
    void count_out(std::size_t bytes) { bytes_out_ += bytes; }

private:
    class Plugged;
    struct LocalEnd {
        std::unique_ptr<StreamEnd> end;
        bool finished = false;  // The peer's end was told, perhaps to a former local end.
    };

    struct Awaited {
        CarrierId carrier;
        Answered answered;
        bool is_asked;
    };

    void deadline_reached();
    CarrierView view_of(Plugged& plugged) const;
    void answered(const CarrierAnswered& what);
    void hand_out(const Event& event);
    void tell_readable(std::optional<StreamId> stream);
    bool may_go_on(StreamId stream) const;
    void held_for_long();
    void retire(StreamId stream, std::optional<ResetReason> reset);
    StreamEnd* end_of(StreamId stream);
    void carrier_ready(CarrierId carrier);
    void lost(CarrierId carrier, const Error& why);
    std::unique_ptr<Plugged> unplug(CarrierId carrier);
    void forget_retired(CarrierId carrier);
    void farewell_is_over();
    void end_if_flushed();
    void close_carriers();
    void finish_ending();

    Loop& loop_;
    SessionUser& user_;
    TimePoint since_;
    Session session_;
    UvTimer timer_{loop_, [this] { deadline_reached(); }};
    std::optional<EndReason> ending_after_flush_;
    // How long a goodbye may take.
    UvTimer farewell_{loop_, [this] { farewell_is_over(); }};
    // After the goodbye was filled.
    Deferred closing_{loop_, [this] { close_carriers(); }};
    // Outside of everything.
    Deferred ending_{loop_, [this] { user_.session_ended(*this, *end_reason_); }};
    std::uint32_t last_carrier_ = 0;
    std::vector<std::unique_ptr<Plugged>> carriers_;
    std::vector<std::unique_ptr<Plugged>> retired_;  // Say goodbye, and are of no session any more.
    std::unordered_map<StreamId, LocalEnd> ends_;
    std::vector<std::unique_ptr<StreamEnd>> ended_;  // Destroyed after settling.
    std::vector<Awaited> awaited_;                   // Answers to pings.
    std::optional<EndReason> end_reason_;
    HeldReadable held_{loop_, [this] { held_for_long(); }};
    bool settling_ = false;
    std::uint64_t bytes_in_ = 0;
    std::uint64_t bytes_out_ = 0;
};

}  // namespace relay
