// Moves the lines of an FTP control connection between its socket and its stream, and keeps the
// doors of its data connections (docs/FTP.md).
//
// Whenever this process is killed, another one goes on: what the socket says is read along while it
// still lies there, and what the socket is to be given is written down before it is
// (docs/CONTINUITY.md).
#pragma once

#include <map>
#include <memory>

#include "common/protocols/ftp_ends.h"
#include "daemon/forwards/ftp_doors.h"
#include "daemon/forwards/ftp_seal.h"
#include "daemon/forwards/rate_limit.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/io/poll.h"

namespace relay {

class FtpPump;

// The control connections of a role, by their streams. Outlives them.
class FtpControls {
public:
    // Where the data connection leads that the peer asks for: an address of the socket's other end,
    // if that has offered this port. Once for each offer, but to the stream `data` again.
    std::optional<HostPort> take_announced(const SessionDriver& driver, StreamId control,
                                           std::uint16_t port, StreamId data);
    // See FtpSeal; empty: it is not sealed, or there is no such connection.
    std::string name_of_sealed(const SessionDriver& driver, StreamId control) const;

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
    // The socket is connected and non-blocking. `place` and `controls` outlive it.
    FtpPump(const StreamPlace& place, UniqueFd socket, FtpControls& controls);
    // A stream that goes without having come to its end is reset.
    ~FtpPump() override;

    using MakeEnd = std::function<std::unique_ptr<FtpEnd>(FtpRecord&, FtpOpenData)>;
    struct Options {
        FtpDoors::Options doors;
        MakeEnd make_end;  // Is given what asks the doors for a port.
        FtpDataCame on_came;
        FtpSecured on_secured = {};
        // Where the socket is, if the stream has keys: then its bytes are sealed, and it ends with
        // this process.
        FtpSeal::Side seal_side = FtpSeal::Side::Home;
    };
    // Goes on with what `record` says, which is the stream's. Bytes flow from then on.
    void start(StreamId stream, FtpRecord& record, Options options);

    void readable() override;
    void writable() override;
    void finished() override;
    void closed() override;
    void reset(ResetReason reason) override;

private:
    friend class FtpControls;
    enum class Outcome { Fine, Broken, Changed };

    using Held = std::array<Bytes, 2>;

    void ready(PollEvents events);
    void fail(Outcome outcome);
    MutableBytes room();
    Held held() const;
    bool is_all() const;
    void done_with(std::size_t count);
    void end_if_written();
    Outcome read_some();
    bool put(MutableBytes said);
    bool take_off(std::uint64_t count);
    Outcome write_some();
    bool has_planned();
    void go_on(Outcome outcome);
    void watch();
    void tell_if_secured();

    Loop& loop_;
    SessionDriver& driver_;
    Parking& parking_;
    FtpControls& controls_;
    StreamId stream_{};
    Poll poll_;
    std::unique_ptr<FtpDoors> doors_;
    std::unique_ptr<FtpEnd> end_;
    std::unique_ptr<FtpSeal> sealed_;  // Null: bytes pass as they are.
    FtpSecured on_secured_;
    std::unique_ptr<FtpRange::Guest> guest_;  // Of a range, behind TLS.
    std::uint64_t owed_ = 0;      // Read along by a former process, and not taken off the socket.
    bool reading_ = true;         // The socket has not said its last byte yet.
    bool has_room_ = true;        // The stream takes bytes.
    bool write_blocked_ = false;  // The socket takes no more for now.
    bool writing_ = true;         // The stream has not said its last byte yet.
    bool heeds_breakage_ = true;
    bool is_planning_ = false;
    bool has_finished_ = false;  // The stream has, and the socket is yet to be told.
    bool over_ = false;
    RateLimit::Turn reading_turn_;
    RateLimit::Turn writing_turn_;
};

}  // namespace relay
