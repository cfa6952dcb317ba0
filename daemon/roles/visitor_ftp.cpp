// FTP of visitors: this process is the client's end. It reads along what its own client says, opens
// doors for it here, and dials it where a server comes to it (docs/FTP.md).
#include <fmt/format.h>

#include "daemon/forwards/socket_stream.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/stream_bytes.h"
#include "daemon/roles/visitor_role.h"

namespace relay {

namespace {

constexpr Duration dial_most = std::chrono::seconds(10);

// The end of a stream that the home opened, while we seal it.
class SealingEnd final : public StreamEnd {
public:
    explicit SealingEnd(std::unique_ptr<SealOpening> opening) : opening_(std::move(opening)) {}

    void readable() override { opening_->readable(); }
    void writable() override { opening_->writable(); }
    void finished() override { opening_->finished(); }
    void closed() override {}
    void reset(ResetReason) override {}

private:
    std::unique_ptr<SealOpening> opening_;
};

}  // namespace

// As we were told, or as the relay has.
bool VisitorRole::speaks_ftp(const ForwardSettings& forward) const {
    const auto found = found_ftp_.find(forward.target);
    return forward.ftp.is_on || (found != found_ftp_.end() && found->second);
}

// What the relay has to say of a stream that was opened: true, that it is to be opened once more.
bool VisitorRole::is_to_speak_ftp(const Opened& entry, ResetReason reason) {
    if (reason == ResetReason::SpeaksNoFtp) found_ftp_.erase(entry.to);
    if (reason != ResetReason::SpeaksFtp || entry.ftp.kind != FtpPart::Kind::None) return false;
    found_ftp_[entry.to] = true;
    return driver_ && !driver_->session().over();
}

// What the visitor's SEAL says, which nobody in between can change.
std::string VisitorRole::ftp_asked(const Opened& entry) const {
    if (entry.ftp.kind == FtpPart::Kind::Data) {
        return ftp_data_asked(ftp_.name_of_sealed(*driver_, entry.ftp.control), entry.ftp.port);
    }
    const bool is_ftp = entry.ftp.kind == FtpPart::Kind::Control;
    return (is_ftp ? "ftp:" : "") + to_text(entry.to);
}

FtpClientOptions VisitorRole::ftp_options(const Opened& control) {
    const auto forward = forwards_.find(control.forward);
    FtpForward ftp;
    if (forward != forwards_.end()) ftp = forward->second->settings().ftp;
    return {
        .data_ports = nullptr,
        .tls = ftp.refuses_tls ? FtpTls::Refuse : FtpTls::Pass,
        // Whoever reaches a listener of ours is somebody on this machine, and may what he may.
        .trusts_own_machine = true,
        .on_came =
            [this, control](StreamId stream, std::uint16_t port, Accepted client) {
                ftp_data_came(control, stream, port, std::move(client));
            },
        .on_secured =
            [this, to = to_text(control.to)] {
                context_.log.warning(
                    with_id(fields(), message_id::ftp_speaks_tls),
                    "a client of {} speaks TLS: its data connections cannot be seen, and do not "
                    "come to be. Refuse TLS (--ftp-tls refuse, or ftp-tls: refuse): what passes "
                    "is encrypted between the home and us as far as end-to-end is on",
                    to);
            }};
}

// The client has come to a port of ours that stands for one of the server's.
void VisitorRole::ftp_data_came(const Opened& control, StreamId stream, std::uint16_t port,
                                Accepted client) {
    if (!driver_) return abort_connection(client.fd.get());
    const auto info = driver_->session().info(stream);
    const Opened entry{.forward = control.forward,
                       .to = control.to,
                       .from = client.peer_address,
                       .since = now(),
                       .ftp = {FtpPart::Kind::Data, stream, port}};
    context_.parking.park(client.fd.get());
    open(std::move(client.fd), entry, info && info->sealed);
}

// The server has come to a port at its home that stands for one of the client's.
bool VisitorRole::ftp_data_opened(SessionDriver& driver, StreamId stream, const Destination& to) {
    const auto control = ftp_control_in(to.host);
    const auto found = control ? streams_.find(*control) : streams_.end();
    if (found == streams_.end()) return false;
    const auto info = driver.session().info(*control);
    if (!info || info->sealed != to.sealed_for.has_value()) return false;
    const auto client = ftp_.take_announced(driver, *control, to.port, stream);
    if (!client) return false;
    Opened entry{.forward = found->second.forward,
                 .to = found->second.to,
                 .from = to_text(*client),
                 .since = now(),
                 .ftp = {FtpPart::Kind::Data, *control, to.port}};
    opened(stream, entry);
    if (!info->sealed) {
        dial_ftp_client(stream, *client);
        return true;
    }
    auto opening =
        seal(stream, entry, [this, stream, client] { dial_ftp_client(stream, *client); });
    opening->start(stream);
    driver.adopt(stream, std::make_unique<SealingEnd>(std::move(opening)));
    return true;
}

void VisitorRole::dial_ftp_client(StreamId stream, const HostPort& client) {
    driver_->adopt(
        stream,
        std::make_unique<DialledEnd>(
            context_.loop, client, dial_most, [](const std::string&) { return true; },
            [this, stream](auto result) { ftp_client_dialled(stream, std::move(result)); }));
}

void VisitorRole::ftp_client_dialled(StreamId stream,
                                     std::variant<UniqueFd, TargetDialer::Failure> result) {
    if (const auto* failure = std::get_if<TargetDialer::Failure>(&result)) {
        const auto found = streams_.find(stream);
        if (found != streams_.end()) found->second.why = failure->text;
        return driver_->reset(stream, failure->reason);
    }
    serve_stream({context_.loop, *driver_, context_.parking}, stream,
                 std::move(std::get<UniqueFd>(result)));
}

}  // namespace relay
