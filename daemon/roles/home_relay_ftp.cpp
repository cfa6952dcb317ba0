// FTP at a home: control connections that are read along, and the data connections that they speak
// of. The home believes what its own servers have said, and not what the relay says of them.
#include <fmt/format.h>

#include "daemon/forwards/ftp_stream.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/home_relay.h"

namespace relay {

// The client has come to a port of the relay, or of a visitor, that stands for one of the server's.
void HomeRelay::open_ftp_data(SessionDriver& driver, StreamId stream, const Destination& to) {
    const StreamId control = *ftp_control_in(to.host);
    const auto info = driver.session().info(control);
    if (info && info->sealed != to.sealed_for.has_value()) {
        return refuse_ftp_data(driver, stream, to, "it is not sealed as its control connection is");
    }
    const auto server = ftp_.take_announced(driver, control, to.port, stream);
    if (!server) return refuse_ftp_data(driver, stream, to, "no server has announced it");
    const Destination real{server->host, server->port, to.visitor};
    tell_opened(stream, real);
    if (to.sealed_for) return open_sealed_ftp_data(driver, stream, to, real);
    dial(driver, stream, {real, now()}, [](const std::string&) { return true; });
}

void HomeRelay::refuse_ftp_data(SessionDriver& driver, StreamId stream, const Destination& to,
                                const std::string& why) {
    if (may_tell_refusal()) {
        context_.log.warning(with_id(fields(), message_id::target_not_allowed),
                             "refused a data connection of FTP to port {} for {}: {}{}", to.port,
                             to.visitor, why, untold_refusals());
        tell("stream-refused",
             fmt::format("a data connection of FTP to port {}: {}", to.port, why));
    }
    driver.reset(stream, ResetReason::NotAllowed);
}

void HomeRelay::serve_ftp(StreamId stream, UniqueFd server) {
    if (serve_ftp_stream({context_.loop, *driver_, context_.parking}, ftp_, stream,
                         std::move(server), ftp_data_comes())) {
        return;
    }
    driver_->reset(stream, ResetReason::TargetUnreachable);
}

void HomeRelay::restore_ftp(StreamId stream, UniqueFd server) {
    if (restore_ftp_server({context_.loop, *driver_, context_.parking}, ftp_, stream,
                           std::move(server), ftp_data_comes())) {
        return;
    }
    driver_->session().reset(stream, ResetReason::Internal);
}

FtpDataCame HomeRelay::ftp_data_comes() {
    return [this](StreamId control, std::uint16_t far_port, Accepted who) {
        ftp_data_came({ftp_data_host(control), far_port, who.peer_address}, std::move(who));
    };
}

// The server has come to a port of ours that stands for one of the client's.
void HomeRelay::ftp_data_came(const Destination& to, Accepted server) {
    if (!driver_) return abort_connection(server.fd.get());
    context_.parking.park(server.fd.get());
    const auto stream = open_to_ftp_client(to, std::move(server.fd));
    if (!stream) {
        context_.log.info(fields(), "no stream for a data connection of FTP from {}: {}",
                          server.peer_address, stream.error().text);
        return;
    }
    const auto from = parse_place(to.visitor);
    if (from) opened_[*stream] = {{from->host, from->ports.first, to.visitor}, now()};
    driver_->settle();
}

}  // namespace relay
