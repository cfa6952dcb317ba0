// Moves bytes between a local socket and a stream, and knows no policy: what the socket says goes
// into the stream, what the stream has goes to the socket; both half-closes and resets pass.
#pragma once

#include "daemon/io/loop.h"
#include "daemon/io/parking.h"
#include "daemon/io/poll.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class StreamPump final : public StreamEnd {
public:
    // `socket` is connected and non-blocking. `driver` and `parking` outlive the pump.
    StreamPump(Loop& loop, UniqueFd socket, SessionDriver& driver, Parking& parking);
    // A stream that goes without having come to its end is reset.
    ~StreamPump() override;

    // Once the stream's number is known; bytes flow from then on.
    void start(StreamId stream);

    void readable() override;
    void writable() override;
    void finished() override;
    void closed() override;
    void reset(ResetReason reason) override;

private:
    enum class Outcome { Fine, Broken };

    void ready(PollEvents events);
    Outcome read_some();
    Outcome write_some();
    void watch();

    TurnLength& turn_length_;
    SessionDriver& driver_;
    Parking& parking_;
    StreamId stream_{};
    Poll poll_;
    bool reading_ = true;         // The socket has not said its last byte yet.
    bool has_room_ = true;        // The stream takes bytes.
    bool write_blocked_ = false;  // The socket takes no more for now.
    bool writing_ = true;         // The stream has not said its last byte yet.
    bool heeds_breakage_ = true;
    bool over_ = false;
};

}  // namespace relay
