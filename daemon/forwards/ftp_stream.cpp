#include "daemon/forwards/ftp_stream.h"

#include "common/base/text.h"
#include "daemon/forwards/kept_socket.h"
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

FtpPump::Options client_options(const Ends& ends, FtpClientOptions options) {
    const auto make = [ends, tls = options.tls, trusts = options.trusts_own_machine](
                          FtpRecord& record, FtpOpenData open) {
        return std::make_unique<FtpClientEnd>(
            record, FtpClientEnd::Options{ends.there, ends.here, std::move(open), tls, trusts});
    };
    return {{ends.here, ends.there, std::move(options.data_ports), {}, {}},
            make,
            std::move(options.on_came),
            std::move(options.on_secured),
            FtpSeal::Side::Visitor};
}

FtpPump::Options server_options(const Ends& ends, FtpDataCame on_came) {
    const auto make = [ends](FtpRecord& record, FtpOpenData open) {
        return std::make_unique<FtpServerEnd>(
            record, FtpServerEnd::Options{ends.there, ends.here, std::move(open)});
    };
    return {{ends.here, ends.there, {}, {}, {}}, make, std::move(on_came), {}, FtpSeal::Side::Home};
}

// Without a record, or without options, the connection is reset.
bool restore(const StreamPlace& place, FtpControls& controls, StreamId stream, UniqueFd socket,
             std::optional<FtpPump::Options> options) {
    auto pump = std::make_unique<FtpPump>(place, std::move(socket), controls);
    FtpRecord* record = place.driver.session().ftp(stream);
    if (record == nullptr || !options) return false;
    pump->start(stream, *record, *std::move(options));
    place.driver.restore(stream, std::move(pump));
    return true;
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
    const LocalSocket note = note_of_socket(client.get(), place.parking);
    auto pump = std::make_unique<FtpPump>(place, std::move(client), controls);
    if (!ends) return Error{ErrorCode::System, "where it came from cannot be told"};
    FtpPump& started = *pump;
    const auto stream = place.driver.open(to, std::move(pump));
    if (!stream) return stream;
    FtpRecord* record = place.driver.session().keep_ftp(*stream);
    if (record == nullptr) {
        place.driver.reset(*stream, ResetReason::LimitReached);
        return Error{ErrorCode::TooLarge, "no memory for another stream"};
    }
    started.start(*stream, *record, client_options(*ends, std::move(options)));
    place.driver.session().set_socket(*stream, note);
    return stream;
}

bool go_on_with_ftp_client(const StreamPlace& place, FtpControls& controls, StreamId stream,
                           UniqueFd client, FtpClientOptions options) {
    const auto ends = ends_of(client.get());
    place.parking.unpark(client.get(), Parking::When::AtOnce);
    auto pump = std::make_unique<FtpPump>(place, std::move(client), controls);
    FtpRecord* record = ends ? place.driver.session().keep_ftp(stream) : nullptr;
    if (record == nullptr) return false;
    pump->start(stream, *record, client_options(*ends, std::move(options)));
    place.driver.adopt(stream, std::move(pump));
    return true;
}

bool serve_ftp_stream(const StreamPlace& place, FtpControls& controls, StreamId stream,
                      UniqueFd server, FtpDataCame on_came) {
    const auto ends = ends_of(server.get());
    FtpRecord* record = ends ? place.driver.session().keep_ftp(stream) : nullptr;
    if (record == nullptr) return false;
    LocalSocket note;
    if (place.driver.session().seal(stream) == nullptr) {
        place.parking.park(server.get());
        note = note_of_socket(server.get(), place.parking);
    }
    auto pump = std::make_unique<FtpPump>(place, std::move(server), controls);
    pump->start(stream, *record, server_options(*ends, std::move(on_came)));
    place.driver.session().connected(stream, note);
    place.driver.adopt(stream, std::move(pump));
    return true;
}

bool restore_ftp_client(const StreamPlace& place, FtpControls& controls, StreamId stream,
                        UniqueFd client, FtpClientOptions options) {
    const auto ends = ends_of(client.get());
    return restore(place, controls, stream, std::move(client),
                   ends ? std::optional{client_options(*ends, std::move(options))} : std::nullopt);
}

bool restore_ftp_server(const StreamPlace& place, FtpControls& controls, StreamId stream,
                        UniqueFd server, FtpDataCame on_came) {
    const auto ends = ends_of(server.get());
    return restore(place, controls, stream, std::move(server),
                   ends ? std::optional{server_options(*ends, std::move(on_came))} : std::nullopt);
}

}  // namespace relay
