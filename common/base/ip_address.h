// An IP address as a value, IPv4 in its IPv6-mapped form, so that there is one kind of address.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace relay {

struct IpAddress {
    // Network order. IPv4 is ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
    std::array<std::uint8_t, 16> bytes{};

    auto operator<=>(const IpAddress&) const = default;
    bool is_v4() const;
    bool is_loopback() const;  // 127.0.0.0/8 or ::1.
};

// Dotted IPv4 without leading zeros, or RFC 4291 section 2.2 without brackets and zone.
Result<IpAddress> parse_ip_address(std::string_view text);

// RFC 5952, IPv4 dotted.
std::string to_text(const IpAddress& address);

}  // namespace relay
