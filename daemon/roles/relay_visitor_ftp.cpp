// FTP of visitors: the relay only carries it, from a visitor's streams to those of the home, and
// sees to it that data connections go where their control connection goes.
#include <algorithm>

#include "daemon/forwards/ftp_stream.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/io/tcp_pair.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_visitor.h"

namespace relay {

// A visitor of an older version does what it always did.
bool RelayVisitor::may_speak(SessionDriver& driver, StreamId stream, const Stream& entry) {
    const FtpThere there = house_.ftp_at(reach_rules(), entry.listener);
    const bool knows_ftp = driver.session().peer_version() >= wire::version_ftp;
    if (entry.ftp.has_value() == (there != FtpThere::No) && there != FtpThere::TooOld) return true;
    if (!entry.ftp && !knows_ftp) return true;
    const ResetReason reason = there == FtpThere::TooOld ? ResetReason::FtpTooOld
                               : entry.ftp               ? ResetReason::SpeaksNoFtp
                                                         : ResetReason::SpeaksFtp;
    context_.log.debug(fields(&driver), "stream {} of the visitor {}: {}", stream.value, name_,
                       name_of(reason));
    driver.reset(stream, reason);
    return false;
}

// It goes to the listener of its control connection, as far as that may still be reached, and
// whose it is says where it comes from.
void RelayVisitor::ftp_data_opened(Held& held, StreamId stream, const Destination& to) {
    const auto control = held.streams.find(*ftp_control_in(to.host));
    const bool is_there = control != held.streams.end() && !control->second.from.empty() &&
                          control->second.sealed_for == to.sealed_for &&
                          house_.ftp_at(reach_rules(), control->second.listener) == FtpThere::Yes;
    if (!is_there) return refuse(*held.driver, stream, to);
    const Stream& of = control->second;
    dial(held, stream,
         {.sealed_for = to.sealed_for,
          .listener = of.listener,
          .ftp = FtpVisit{FtpVisit::Kind::Data, of.from, to.port}});
}

void RelayVisitor::note_left_ftp(Stream& entry, std::uint16_t version) const {
    const bool is_ftp = house_.ftp_at(reach_rules(), entry.listener) != FtpThere::No;
    if (is_ftp && version >= wire::version_ftp) {
        entry.ftp = FtpVisit{.kind = FtpVisit::Kind::Forgotten};
    }
}

Result<UniqueFd> RelayVisitor::open_ftp_data(const std::string& control, const Destination& to) {
    if (const std::string why = refusal_by_policy(); !why.empty()) {
        return Error{ErrorCode::Refused, why};
    }
    for (const auto& held : sessions_) {
        const auto found =
            std::find_if(held->streams.begin(), held->streams.end(),
                         [&](const auto& stream) { return stream.second.from == control; });
        if (found == held->streams.end()) continue;
        if (found->second.sealed_for != to.sealed_for) {
            return Error{ErrorCode::Refused, "it is not sealed as its control connection is"};
        }
        auto pair = tcp_pair();
        if (!pair) return pair.error();
        SessionDriver& driver = *held->driver;
        context_.parking.park(pair->first.get());
        Destination client{ftp_data_host(found->first), to.port, to.visitor};
        client.sealed_for = to.sealed_for;
        const auto stream = open_stream({context_.loop, driver, context_.parking, &rates_},
                                        std::move(pair->first), client);
        if (!stream) return stream.error();
        held->streams[*stream] = {.sealed_for = to.sealed_for};
        driver.settle();
        return std::move(pair->second);
    }
    return Error{ErrorCode::NotFound, "its control connection is over"};
}

}  // namespace relay
