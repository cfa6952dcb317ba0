#include "ctl/visiting/rdp_settings.h"

#include <fmt/format.h>

#include "common/base/host_port.h"

namespace relay {
namespace {

// Beside the address. What is left out has the client's own default.
constexpr std::string_view lines[] = {
    "prompt for credentials:i:1",    // No password lies in this file.
    "authentication level:i:2",      // A certificate that is not trusted is shown, and asked about.
    "enablecredsspsupport:i:1",      // NLA where the server has it.
    "negotiate security layer:i:1",  // And what the server wants where it has not.
    "autoreconnection enabled:i:1",
    "gatewayusagemethod:i:0",  // No RD Gateway: relayd is the way.
    "connection type:i:7",     // Measured, not guessed:
    "networkautodetect:i:1",
    "bandwidthautodetect:i:1",
    "compression:i:1",
    "bitmapcachepersistenable:i:1",
    "screen mode id:i:2",  // Full screen, and resized with the window.
    "dynamic resolution:i:1",
    "smart sizing:i:1",
    "session bpp:i:32",
    "keyboardhook:i:2",
    "redirectclipboard:i:1",
    "redirectprinters:i:0",  // Each of these costs a channel, and some seconds at the beginning.
    "redirectcomports:i:0",
    "redirectsmartcards:i:0",
    "drivestoredirect:s:",
    "audiomode:i:0",
};

}  // namespace

RdpWay rdp_way(const ForwardSnapshot& forward, const Gateway& gateway, std::uint16_t local_port) {
    const auto listen = parse_host_port(forward.listen);
    if (!listen) return {forward.listen, {}};
    if (is_loopback_listener(forward.listen)) {
        return {fmt::format("127.0.0.1:{}", local_port),
                fmt::format("ssh -N -L {}:{} {}", local_port, to_text(*listen), gateway.ssh)};
    }
    const bool is_any = listen->host == "0.0.0.0" || listen->host == "::";
    return {to_text(HostPort{is_any ? gateway.host : listen->host, listen->port}), {}};
}

std::string rdp_file_text(const RdpWay& way) {
    auto text = fmt::format("full address:s:{}\r\n", way.address);
    for (const auto line : lines) text += fmt::format("{}\r\n", line);
    return text;
}

}  // namespace relay
