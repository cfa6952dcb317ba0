// Moves bytes between a local socket and a stream, and knows no policy: what the socket says goes
// into the stream, what the stream has goes to the socket; both half-closes and resets pass.
#pragma once

#include "daemon/forwards/rate_limit.h"
#include "daemon/forwards/sealed_passage.h"
#include "daemon/io/loop.h"
#include "daemon/io/marked_move.h"
#include "daemon/io/parking.h"
#include "daemon/io/poll.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class StreamPump final : public StreamEnd {
public:
    // `socket` is connected and non-blocking. `driver`, `parking` and `rates` outlive the pump.
    StreamPump(Loop& loop, UniqueFd socket, SessionDriver& driver, Parking& parking,
               RateLimits* rates = nullptr);
    // A stream that goes without having come to its end is reset.
    ~StreamPump() override;

    // Once the stream's number is known, and its seal kept if it has one; bytes flow from then on.
    void start(StreamId stream);

    void readable() override;
    void writable() override;
    void finished() override;
    void closed() override;
    void reset(ResetReason reason) override;

private:
    enum class Outcome { Fine, Broken, Changed };

    using Vectors = std::array<iovec, 2>;
    using Marked = std::optional<MarkedMove>;

    void ready(PollEvents events);
    Outcome read_some();
    Outcome write_some();
    ssize_t receive(Marked& marked, const Vectors& vectors);
    ssize_t send(Marked& marked, const Vectors& vectors);
    Outcome read_sealed(std::size_t most, TimePoint time);
    Outcome write_sealed();
    void fail(Outcome outcome);
    bool may_read() const { return reading_ && has_room_ && !reading_turn_.waits(); }
    void go_on_reading();
    void go_on_writing();
    void watch();
    TurnLength& turn_length_;
    SessionDriver& driver_;
    Parking& parking_;
    StreamId stream_{};
    Poll poll_;
    // Its id, if its bytes are to be moved under a mark: of a unix socket, whose bytes the kernel
    // does not count.
    std::uint64_t marked_as_ = 0;
    std::size_t read_before_ = 0;            // By the last call that read anything.
    bool was_reset_ = false;                 // Or takes no more; but there may be more to read.
    std::unique_ptr<SealedPassage> sealed_;  // Null: bytes pass as they are.
    bool reading_ = true;                    // The socket has not said its last byte yet.
    bool has_room_ = true;                   // The stream takes bytes.
    bool write_blocked_ = false;             // The socket takes no more for now.
    bool writing_ = true;                    // The stream has not said its last byte yet.
    bool heeds_breakage_ = true;
    bool over_ = false;
    RateLimit::Turn reading_turn_;
    RateLimit::Turn writing_turn_;
};

}  // namespace relay
