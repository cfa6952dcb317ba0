// The data connections of FTP at a relay: those that clients make, and those that servers make to
// clients.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/forwards/ftp_stream.h"
#include "daemon/forwards/kept_socket.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/ftp_advice.h"
#include "daemon/roles/relay_home.h"

namespace relay {

Result<StreamId> RelayHome::open_ftp(const Forward& forward, UniqueFd visitor, Destination to) {
    auto options = ftp_options(forward.id(), to.visitor);
    to.host = ftp_control_host(to.host);
    return open_ftp_stream({context_.loop, *driver_, context_.parking, &rates_}, ftp_,
                           std::move(visitor), to, std::move(options));
}

// The forward may be no more, or another one by now.
FtpClientOptions RelayHome::ftp_options(ForwardId id, const std::string& shown) {
    FtpForward ftp;
    std::shared_ptr<FtpRange> range;
    if (const auto own = forwards_.find(id); own != forwards_.end()) {
        const Forward& forward = *own->second.forward;
        ftp = forward.settings().ftp;
        range = own->second.data_ports;
        if (ftp.data_ports && !range) range = own->second.data_ports = make_ftp_range(forward);
    }
    auto on_came = [this, id, shown](StreamId control, std::uint16_t far_port, Accepted who) {
        ftp_is_used(control);
        ftp_data_came(id, {ftp_data_host(control), far_port, shown}, std::move(who));
    };
    return {.data_ports = std::move(range),
            .tls = ftp.refuses_tls ? FtpTls::Refuse : FtpTls::Pass,
            .on_came = std::move(on_came),
            .on_secured = [this, id] { ftp_secured(id); }};
}

void RelayHome::restore_ftp(StreamId stream, ForwardId id, UniqueFd visitor) {
    if (restore_ftp_client({context_.loop, *driver_, context_.parking, &rates_}, ftp_, stream,
                           std::move(visitor),
                           ftp_options(id, names_.shown(streams_.at(stream).visitor)))) {
        return;
    }
    driver_->session().reset(stream, ResetReason::Internal);
}

// Who has come as far as to data has logged in, and guesses no passwords: however brief it is.
void RelayHome::ftp_is_used(StreamId control) {
    const auto found = streams_.find(control);
    if (found != streams_.end()) found->second.counted.reset();
}

void RelayHome::ftp_secured(ForwardId id) {
    const auto own = forwards_.find(id);
    if (own == forwards_.end() || !may_tell_refusal(id)) return;
    Forward& forward = *own->second.forward;
    ++forward.counters().tls_clients;
    const ForwardSettings& settings = forward.settings();
    const std::string advice =
        ftp_tls_advice(settings, ftp_address_of(settings, settings_.public_endpoint
                                                              ? settings_.public_endpoint->host
                                                              : std::string{}));
    if (settings.ftp.data_ports) {
        return context_.log.info(fields(id),
                                 "a client of {} speaks TLS: data-ports are open to its address, "
                                 "one to one. That needs {}",
                                 forward.target_text(), advice);
    }
    context_.log.warning(with_id(fields(id), message_id::ftp_speaks_tls),
                         "a client of {} speaks TLS: its data connections cannot be seen. Set {}",
                         forward.target_text(), advice);
}

// Outlives the forward, by the connections that came by it. What comes behind TLS is a stream like
// those of any forward, and the home's allow list says whether it may be.
std::shared_ptr<FtpRange> RelayHome::make_ftp_range(const Forward& forward) {
    const auto on_came = [this, id = forward.id(), host = forward.settings().target.host](
                             std::uint16_t port, Accepted who) {
        const std::string shown = names_.shown(who.peer_address);
        ftp_data_came(id, {host, port, shown}, std::move(who));
    };
    return std::make_shared<FtpRange>(context_.loop, context_.parking,
                                      *forward.settings().ftp.data_ports, on_came);
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
    const auto client =
        to.sealed_for ? std::nullopt : ftp_.take_announced(driver, *control, to.port, stream);
    if (!client) return give_to_visitor(driver, stream, to, *control);
    ftp_is_used(*control);
    reached_.dial(driver, stream, *client, to.visitor);
    return true;
}

// Which ports the client has announced, the visitor knows that is its end.
bool RelayHome::give_to_visitor(SessionDriver& driver, StreamId stream, const Destination& to,
                                StreamId control) {
    const auto found = streams_.find(control);
    if (found == streams_.end()) return false;
    const std::string from = found->second.visitor;
    const auto* known = names_.find(from);
    if (known == nullptr || !known->ftp) return false;
    auto given = open_to_visitor_(known->name, from, to);
    if (!given) {
        refuse_to_reach(driver, stream, {ResetReason::LimitReached, given.error().text});
        return true;
    }
    reached_.serve(driver, stream, *std::move(given), to.visitor);
    return true;
}

std::optional<StreamId> RelayHome::stream_of(const std::string& visitor) const {
    const auto found = std::find_if(streams_.begin(), streams_.end(), [&](const auto& stream) {
        return stream.second.visitor == visitor;
    });
    return found == streams_.end() ? std::nullopt : std::optional{found->first};
}

// The home reads along at its end, and the visitor at the other.
Result<StreamId> RelayHome::open_ftp_of_visitor(const Forward& forward, Accepted visitor,
                                                Destination to, const FtpVisit& ftp) {
    const auto refuse = [&](const char* why) -> Result<StreamId> {
        end_parked(context_.parking, std::move(visitor.fd));
        return Error{ErrorCode::Refused, why};
    };
    if (!forward.settings().ftp.is_on) return refuse("no FTP is spoken there any more");
    if (knows_no_ftp()) return refuse("the home knows no FTP of visitors");
    switch (ftp.kind) {
        case FtpVisit::Kind::Forgotten: return refuse("it came before relayd was restarted");
        case FtpVisit::Kind::Control: to.host = ftp_control_host(to.host); break;
        case FtpVisit::Kind::Data: {
            const auto control = stream_of(ftp.control);
            if (!control) return refuse("its control connection is over");
            to.host = ftp_data_host(*control);
            to.port = ftp.port;
            to.listener.clear();
        }
    }
    return open_stream({context_.loop, *driver_, context_.parking, &rates_}, std::move(visitor.fd),
                       to);
}

}  // namespace relay
