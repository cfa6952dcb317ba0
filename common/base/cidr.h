// Networks of IP addresses: 192.168.1.0/24, 2001:db8::/32.
#pragma once

#include "common/base/ip_address.h"

namespace relay {

struct Cidr {
    IpAddress network;      // Bits beyond the prefix are zero.
    unsigned prefix = 128;  // Over the 16-byte form: IPv4's /24 is 120.

    auto operator<=>(const Cidr&) const = default;
    bool contains(const IpAddress& address) const;
};

// The network of so many bits in which the address lies.
Cidr network_of(const IpAddress& address, unsigned prefix);

// A single address is a network of one. Bits beyond the prefix are an error that names the network
// which was probably meant.
Result<Cidr> parse_cidr(std::string_view text);

// IPv4 with its own prefix length; a network of one as a bare address.
std::string to_text(const Cidr& cidr);

}  // namespace relay
