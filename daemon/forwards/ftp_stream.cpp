#include "daemon/forwards/ftp_stream.h"

#include "common/base/text.h"
#include "daemon/forwards/visitor_guard.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr std::string_view control_mark = "ftp:";
constexpr std::string_view data_mark = "ftp-data:";

struct Ends {
    IpAddress here;
    IpAddress there;
};

std::optional<Ends> ends_of(int fd) {
    const auto here = address_in(local_address_text(fd));
    const auto there = address_in(peer_address_text(fd));
    if (!here || !there) return std::nullopt;
    return Ends{*here, *there};
}

}  // namespace

std::string ftp_control_host(std::string_view host) {
    return std::string{control_mark}.append(host);
}

std::optional<std::string> ftp_server_in(std::string_view host) {
    if (!host.starts_with(control_mark)) return std::nullopt;
    return std::string{host.substr(control_mark.size())};
}

std::string ftp_data_host(StreamId control) {
    return std::string{data_mark} + std::to_string(control.value);
}

std::optional<StreamId> ftp_control_in(std::string_view host) {
    if (!host.starts_with(data_mark)) return std::nullopt;
    const auto number = parse_number(host.substr(data_mark.size()), UINT64_MAX);
    if (!number) return std::nullopt;
    return StreamId{*number};
}

Result<StreamId> open_ftp_stream(const StreamPlace& place, FtpControls& controls, UniqueFd client,
                                 const Destination& to, FtpClientOptions options) {
    const auto ends = ends_of(client.get());
    place.parking.unpark(client.get(), Parking::When::AtOnce);
    auto pump = std::make_unique<FtpPump>(place, std::move(client), controls);
    if (!ends) return Error{ErrorCode::System, "where it came from cannot be told"};
    const auto make = [&](FtpPump::OpenData open) {
        return std::make_unique<FtpClientEnd>(
            FtpClientEnd::Options{ends->there, ends->here, std::move(open), options.tls});
    };
    pump->set_end({ends->here, ends->there, std::move(options.data_ports), {}}, make,
                  std::move(options.on_came));
    pump->set_on_secured(std::move(options.on_secured));
    FtpPump& started = *pump;
    const auto stream = place.driver.open(to, std::move(pump));
    if (stream) started.start(*stream);
    return stream;
}

bool serve_ftp_stream(const StreamPlace& place, FtpControls& controls, StreamId stream,
                      UniqueFd server, FtpDataCame on_came) {
    const auto ends = ends_of(server.get());
    if (!ends) return false;
    auto pump = std::make_unique<FtpPump>(place, std::move(server), controls);
    const auto make = [&](FtpPump::OpenData open) {
        return std::make_unique<FtpServerEnd>(
            FtpServerEnd::Options{ends->there, ends->here, std::move(open)});
    };
    pump->set_end({ends->here, ends->there, {}, {}}, make, std::move(on_came));
    pump->start(stream);
    place.driver.session().connected(stream, {});
    place.driver.adopt(stream, std::move(pump));
    return true;
}

}  // namespace relay
