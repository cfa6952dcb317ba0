// The text forms of a forward: used by the configuration file and by those added at run time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/settings/settings.h"

namespace relay {

// `listen`: PORT, ADDRESS:PORT, or either with a range FIRST-LAST; the address is 127.0.0.1 unless
// given, "localhost" stands for it. Or unix:PATH; then `to` is needed. `to`: the same with any
// host, or empty for the same ports of the home's 127.0.0.1. A range makes one forward for each
// port, and both sides must be equally long. Probe and grace are the defaults.
Result<std::vector<ForwardSettings>> parse_forward(std::string_view listen, std::string_view to);

// What a visitor listens on for a home's forward. `to`: HOME:PORT, HOME:FIRST-LAST or
// HOME:unix:PATH, whose host is then all of it. `listen`: as above, or empty for the same ports of
// 127.0.0.1.
Result<std::vector<ForwardSettings>> parse_visit(std::string_view to, std::string_view listen);

// Only the listening side, as above: what names forwards that exist.
Result<HostPortRange> parse_listen(std::string_view text);

// protocol, data-ports and ftp-tls of a forward, each empty if it was not said.
struct FtpTexts {
    std::string protocol;
    std::string data_ports;
    std::string tls;
};
// The error says which of them is wrong, or why `forward` can have none.
Result<FtpForward> parse_ftp(const FtpTexts& texts, const ForwardSettings& forward);

// What may be reached at the relay itself: HOST:PORT or unix:PATH.
Result<HostPort> parse_relay_target(std::string_view text);

// Where a visitor speaks SOCKS5: one port, as above, of a loopback address, since nobody proves
// anything there.
Result<HostPort> parse_dynamic(std::string_view text);

// 1 to 64 letters, digits, '-', '_' and '.', the first a letter or a digit.
Status check_home_name(std::string_view name);
// The same, up to 63.
Status check_visitor_name(std::string_view name);

}  // namespace relay
