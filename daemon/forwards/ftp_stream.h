// FTP's connections as streams (docs/PROTOCOL.md, docs/FTP.md): what an OPEN says of them, and how
// a control connection gets its stream at either end of a session.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/forwards/ftp_pump.h"

namespace relay {

// A control connection to this host; where a visitor opens it, to this home.
std::string ftp_control_host(std::string_view host);
std::optional<std::string> ftp_server_in(std::string_view host);
// A data connection that was announced in this stream.
std::string ftp_data_host(StreamId control);
std::optional<StreamId> ftp_control_in(std::string_view host);

struct FtpClientOptions {
    std::shared_ptr<FtpRange> data_ports;  // None: any port.
    FtpTls tls = FtpTls::Pass;
    bool trusts_own_machine = false;  // See FtpClientEnd.
    FtpDataCame on_came;
    FtpSecured on_secured;
};

// As open_stream().
Result<StreamId> open_ftp_stream(const StreamPlace& place, FtpControls& controls, UniqueFd client,
                                 const Destination& to, FtpClientOptions options);
// For a stream that is open already, of a visitor: it ends with this process. False: it cannot be
// told where the client came from, or there is no memory.
bool go_on_with_ftp_client(const StreamPlace& place, FtpControls& controls, StreamId stream,
                           UniqueFd client, FtpClientOptions options);
// As serve_stream(); what is sealed ends with this process. False: it cannot be told who the server
// is, or there is no memory.
bool serve_ftp_stream(const StreamPlace& place, FtpControls& controls, StreamId stream,
                      UniqueFd server, FtpDataCame on_came);
// As restore_stream(), of one that open_ftp_stream() has begun; or serve_ftp_stream(). False: the
// stream is to be reset.
bool restore_ftp_client(const StreamPlace& place, FtpControls& controls, StreamId stream,
                        UniqueFd client, FtpClientOptions options);
bool restore_ftp_server(const StreamPlace& place, FtpControls& controls, StreamId stream,
                        UniqueFd server, FtpDataCame on_came);

}  // namespace relay
