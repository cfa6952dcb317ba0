#include "daemon/roles/ftp_advice.h"

#include <fmt/format.h>

namespace relay {

namespace {

constexpr PortRange suggested{22000, 22099};

}  // namespace

std::string ftp_address_of(const ForwardSettings& forward, const std::string& public_host) {
    const bool is_any = forward.listen.host == "0.0.0.0" || forward.listen.host == "::";
    if (!is_any) return forward.listen.host;
    return public_host.empty() ? "the relay's address" : public_host;
}

std::string ftp_tls_advice(const ForwardSettings& forward, const std::string& address) {
    const PortRange ports = forward.ftp.data_ports.value_or(suggested);
    const std::string at_server = fmt::format(
        "at the server pasv_min_port={}, pasv_max_port={}, pasv_address={} (as vsftpd names them), "
        "and on the home: relayctl allow {}:{}",
        ports.first, ports.last, address, forward.target.host, to_text(ports));
    if (forward.ftp.data_ports) return at_server;
    return fmt::format("either data-ports: {} for this forward, {}; or ftp-tls: refuse",
                       to_text(ports), at_server);
}

}  // namespace relay
