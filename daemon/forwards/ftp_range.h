// The ports that data connections of one FTP forward come to, where it has such a range
// (data-ports). A door takes one of them for a while, for one who comes. Who speaks TLS, behind
// which nothing can be read, may come to all of them as long as his control connection lives: they
// stand for the same ports of the server, one to one.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "common/base/host_port.h"
#include "common/base/ip_address.h"
#include "daemon/io/tcp_listener.h"

namespace relay {

class FtpRange : public std::enable_shared_from_this<FtpRange> {
public:
    // A guest has come to this port, and is parked nowhere yet.
    using OnCame = std::function<void(std::uint16_t port, Accepted who)>;

    // Its listeners outlive the process by `parking`, which outlives them.
    FtpRange(Loop& loop, Parking& parking, PortRange ports, OnCame on_came)
        : loop_(loop), parking_(parking), ports_(ports), on_came_(std::move(on_came)) {}

    // One port, kept for who comes from `from`; free again when this goes, as it may within
    // `on_accept`.
    class Expected {
    public:
        Expected(std::shared_ptr<FtpRange> range, IpAddress here, IpAddress from,
                 TcpListener::OnAccept on_accept, std::uint16_t port);
        ~Expected();
        Expected(const Expected&) = delete;
        Expected& operator=(const Expected&) = delete;
        std::uint16_t port() const { return port_; }

    private:
        friend class FtpRange;
        std::shared_ptr<FtpRange> range_;
        const IpAddress here_;
        const IpAddress from_;
        const TcpListener::OnAccept on_accept_;
        const std::uint16_t port_;
    };
    // Port 0: any of them; another: the one that a former process has given away. Nothing: all are
    // taken.
    std::unique_ptr<Expected> expect(const IpAddress& here, const IpAddress& from,
                                     TcpListener::OnAccept on_accept, std::uint16_t port = 0);

    // Every port, open for who comes from `from` as long as this lives.
    class Guest {
    public:
        Guest(std::shared_ptr<FtpRange> range, IpAddress here, IpAddress from);
        ~Guest();
        Guest(const Guest&) = delete;
        Guest& operator=(const Guest&) = delete;

    private:
        friend class FtpRange;
        std::shared_ptr<FtpRange> range_;
        const IpAddress here_;
        const IpAddress from_;
    };
    std::unique_ptr<Guest> admit(const IpAddress& here, const IpAddress& from);
    // Some that guests of this address may come to are another program's.
    bool lacks_ports(const IpAddress& here) const;

private:
    // Of one address of this machine that clients dial.
    struct Side {
        std::map<std::uint16_t, std::unique_ptr<TcpListener>> listeners;
        std::map<std::uint16_t, Expected*> expected;
        std::vector<const Guest*> guests;
    };

    bool listen(const IpAddress& here, std::uint16_t port);
    void came(const IpAddress& here, std::uint16_t port, Accepted who);
    void close_unneeded(const IpAddress& here);

    Loop& loop_;
    Parking& parking_;
    const PortRange ports_;
    const OnCame on_came_;
    std::map<std::string, Side> sides_;
    unsigned next_ = 0;  // A port that was just used rests for as long as can be.
};

}  // namespace relay
