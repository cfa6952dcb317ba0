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
    };

    FtpDoors(Loop& loop, Options options) : loop_(loop), options_(std::move(options)) {}

    // The port of a listener that stands for `far_port`; nothing: there is none to be had. The
    // oldest of too many is closed.
    std::optional<std::uint16_t> open(std::uint16_t far_port);
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

    // Its port.
    std::optional<std::uint16_t> listen(Door& door);
    void came(Door& door, Accepted who);
    void close(Door& door);

    Loop& loop_;
    const Options options_;
    std::list<Door> doors_;
};

}  // namespace relay
