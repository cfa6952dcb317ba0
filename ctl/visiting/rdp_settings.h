// A .rdp file, as Remote Desktop clients of Windows, macOS, Android and FreeRDP read it.
#pragma once

#include <cstdint>
#include <string>

#include "common/control/snapshot.h"
#include "ctl/visiting/gateway.h"

namespace relay {

struct RdpWay {
    std::string address;  // HOST:PORT that the client shall connect to.
    std::string tunnel;   // The ssh command that must run meanwhile; empty: none is needed.
};

// `local_port` is the visitor's own, for the way by ssh -L. Windows keeps 3389 for itself: its
// client refuses to connect to that port of its own machine.
RdpWay rdp_way(const ForwardSnapshot& forward, const Gateway& gateway, std::uint16_t local_port);
inline constexpr std::uint16_t usual_local_rdp_port = 13389;

// With CRLF after each line, as the format has it.
std::string rdp_file_text(const RdpWay& way);

}  // namespace relay
