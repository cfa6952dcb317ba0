// Where an FTP data connection leads, as the control connection says it (RFC 959 section 4.1.2,
// RFC 2428).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ip_address.h"

namespace relay {

struct FtpAddress {
    IpAddress address;
    std::uint16_t port = 0;  // Never 0 once it is read.

    bool operator==(const FtpAddress&) const = default;
};

// Servers put the six numbers of a 227 wherever they like: with or without brackets.
std::optional<FtpAddress> address_in_227(std::string_view line);
// "(|||PORT|)", where any printable character may stand for '|'.
std::optional<std::uint16_t> port_in_229(std::string_view line);
// What follows PORT: h1,h2,h3,h4,p1,p2.
std::optional<FtpAddress> parse_port_argument(std::string_view argument);
// What follows EPRT: |1|192.0.2.1|4711| or |2|2001:db8::1|4711|.
std::optional<FtpAddress> parse_eprt_argument(std::string_view argument);

// Whole lines. An IPv6 address has no 227, and is no PORT but an EPRT.
std::string reply_227(const FtpAddress& to);
std::string reply_229(std::uint16_t port);
std::string port_command(const FtpAddress& to);

}  // namespace relay
