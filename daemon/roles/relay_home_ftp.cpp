// The data connections of FTP at a relay: those that clients make, and those that servers make to
// clients.
#include <fmt/format.h>

#include "daemon/forwards/ftp_stream.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_home.h"

namespace relay {

Result<StreamId> RelayHome::open_ftp(const Forward& forward, UniqueFd visitor, Destination to) {
    const FtpForward& ftp = forward.settings().ftp;
    const std::string shown = to.visitor;
    to.host = ftp_control_host(to.host);
    auto on_came = [this, id = forward.id(), shown](StreamId control, std::uint16_t far_port,
                                                    Accepted who) {
        ftp_is_used(control);
        ftp_data_came(id, {ftp_data_host(control), far_port, shown}, std::move(who));
    };
    return open_ftp_stream({context_.loop, *driver_, context_.parking, &rates_}, ftp_,
                           std::move(visitor), to,
                           {.data_ports = ftp.data_ports,
                            .tls = ftp.refuses_tls ? FtpTls::Refuse : FtpTls::Pass,
                            .on_came = std::move(on_came),
                            .on_secured = [this, id = forward.id()] { ftp_secured(id); }});
}

// Who has come as far as to data has logged in, and guesses no passwords: however brief it is.
void RelayHome::ftp_is_used(StreamId control) {
    const auto found = streams_.find(control);
    if (found != streams_.end()) found->second.counted.reset();
}

void RelayHome::ftp_secured(ForwardId id) {
    const auto own = forwards_.find(id);
    if (own == forwards_.end() || !may_tell_refusal(id)) return;
    const Forward& forward = *own->second.forward;
    context_.log.warning(
        with_id(fields(id), message_id::ftp_speaks_tls),
        "a client of {} speaks TLS: its data connections cannot be seen. Either refuse TLS "
        "(ftp-tls: refuse), or set a range of passive ports and this relay's address at the server "
        "(vsftpd: "
        "pasv_min_port, pasv_max_port, pasv_address), and forward the same ports one to one",
        forward.target_text());
}

void RelayHome::ftp_data_came(ForwardId id, const Destination& to, Accepted visitor) {
    const auto own = forwards_.find(id);
    if (own == forwards_.end() || !driver_) return abort_connection(visitor.fd.get());
    Forward& forward = *own->second.forward;
    if (const std::string why = refusal_by_policy(forward); !why.empty()) {
        ++forward.counters().refused;
        abort_connection(visitor.fd.get());
        return visitor_turned_away(id, visitor.peer_address, why.c_str());
    }
    context_.parking.park(visitor.fd.get());
    const auto stream = open_stream({context_.loop, *driver_, context_.parking, &rates_},
                                    std::move(visitor.fd), to);
    if (!stream) {
        ++forward.counters().refused;
        return visitor_turned_away(id, visitor.peer_address, stream.error().text.c_str());
    }
    stream_began(*stream, {id, visitor.peer_address, now()});
    driver_->settle();
}

// The server has connected to a port at the home that stands for one of the client's.
bool RelayHome::open_ftp_data(SessionDriver& driver, StreamId stream, const Destination& to) {
    const auto control = ftp_control_in(to.host);
    if (!control) return false;
    const auto client = ftp_.take_announced(driver, *control, to.port);
    if (!client) return false;
    ftp_is_used(*control);
    reached_.dial(driver, stream, *client, to.visitor);
    return true;
}

}  // namespace relay
