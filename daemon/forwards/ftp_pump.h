// Moves the lines of an FTP control connection between its socket and its stream, and keeps the
// doors of its data connections (docs/FTP.md). The state of such a connection dies with the
// process, so that its socket is parked nowhere.
#pragma once

#include <map>
#include <memory>

#include "common/protocols/ftp_ends.h"
#include "daemon/forwards/ftp_doors.h"
#include "daemon/forwards/rate_limit.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/io/poll.h"

namespace relay {

class FtpPump;

// The control connections of a role, by their streams. Outlives them.
class FtpControls {
public:
    // Where the data connection leads that the peer asks for: an address of the socket's other end,
    // if that has offered this port. Once for each offer.
    std::optional<HostPort> take_announced(const SessionDriver& driver, StreamId control,
                                           std::uint16_t port);

private:
    friend class FtpPump;
    std::map<std::pair<const SessionDriver*, StreamId>, FtpPump*> pumps_;
};

// Somebody has come to a door of a control connection, and is parked nowhere yet.
using FtpDataCame = std::function<void(StreamId control, std::uint16_t far_port, Accepted who)>;

// Nothing can be read any more: TLS has begun. Once.
using FtpSecured = std::function<void()>;

class FtpPump final : public StreamEnd {
public:
    // The socket is connected, non-blocking, and parked nowhere. `place` and `controls` outlive it.
    FtpPump(const StreamPlace& place, UniqueFd socket, FtpControls& controls);
    // A stream that goes without having come to its end is reset.
    ~FtpPump() override;

    // Before start(). `make` is given what asks the doors for a port.
    using OpenData = std::function<std::optional<std::uint16_t>(std::uint16_t far_port)>;
    using MakeEnd = std::function<std::unique_ptr<FtpEnd>(OpenData)>;
    void set_end(FtpDoors::Options doors, const MakeEnd& make, FtpDataCame on_came);
    void set_on_secured(FtpSecured on_secured) { on_secured_ = std::move(on_secured); }
    void start(StreamId stream);

    void readable() override;
    void writable() override;
    void finished() override;
    void closed() override;
    void reset(ResetReason reason) override;

private:
    friend class FtpControls;
    enum class Outcome { Fine, Broken };

    void ready(PollEvents events);
    Outcome read_some();
    Outcome write_some();
    Outcome send_pending();
    void go_on(Outcome outcome);
    void watch();
    void tell_if_secured();

    Loop& loop_;
    SessionDriver& driver_;
    FtpControls& controls_;
    StreamId stream_{};
    Poll poll_;
    std::unique_ptr<FtpDoors> doors_;
    std::unique_ptr<FtpEnd> end_;
    FtpSecured on_secured_;
    std::unique_ptr<FtpRange::Guest> guest_;  // Of a range, behind TLS.
    std::string pending_;                     // What the socket is yet to be given,
    std::size_t pending_taken_ = 0;           // and how many bytes of the stream it was made of.
    bool reading_ = true;                     // The socket has not said its last byte yet.
    bool has_room_ = true;                    // The stream takes bytes.
    bool writing_ = true;                     // The stream has not said its last byte yet.
    bool heeds_breakage_ = true;
    bool over_ = false;
    RateLimit::Turn reading_turn_;
    RateLimit::Turn writing_turn_;
};

}  // namespace relay
