// The listeners that FTP's data connections come to, of one control connection: each lets one in,
// and nobody but whoever speaks there.
#pragma once

#include <functional>
#include <list>
#include <optional>
#include <string>

#include "common/base/ip_address.h"
#include "daemon/forwards/ftp_range.h"
#include "daemon/io/tcp_listener.h"
#include "daemon/io/timer.h"

namespace relay {

class FtpDoors {
public:
    // `far_port` is the one that was asked for. May destroy the doors.
    using OnCame = std::function<void(std::uint16_t far_port, Accepted who)>;
    struct Options {
        IpAddress here;                        // Where to listen.
        IpAddress from;                        // Who may come.
        std::shared_ptr<FtpRange> range = {};  // None: whichever port the system has.
        OnCame on_came;
        // One is no more, whatever the reason. May not destroy the doors.
        std::function<void(std::uint16_t far_port)> on_closed;
    };

    // They outlive the process by `parking`, which outlives them.
    FtpDoors(Loop& loop, Parking& parking, Options options)
        : loop_(loop), parking_(parking), options_(std::move(options)) {}

    // The port of a listener that stands for `far_port`; nothing: there is none to be had. The
    // oldest of too many is closed.
    std::optional<std::uint16_t> open(std::uint16_t far_port) { return add(far_port, 0); }
    // The door that a former process had there, with all who wait outside; or another one. False:
    // the port is not to be had.
    bool open_again(std::uint16_t far_port, std::uint16_t port) {
        return add(far_port, port).has_value();
    }
    const IpAddress& from() const { return options_.from; }
    // Opens the whole range, one to one, to who may come; nothing, if there is none.
    std::unique_ptr<FtpRange::Guest> open_range() const;

private:
    struct Door {
        std::uint16_t far_port = 0;
        std::unique_ptr<TcpListener> listener;  // One of the two.
        std::unique_ptr<FtpRange::Expected> expected;
        std::unique_ptr<UvTimer> patience;
    };

    // Port 0: any. Their answer is the port.
    std::optional<std::uint16_t> add(std::uint16_t far_port, std::uint16_t port);
    std::optional<std::uint16_t> listen(Door& door, std::uint16_t port);
    void came(Door& door, Accepted who);
    void close(Door& door);

    Loop& loop_;
    Parking& parking_;
    const Options options_;
    std::list<Door> doors_;
};

}  // namespace relay
