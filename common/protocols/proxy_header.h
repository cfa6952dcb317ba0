// The header that a proxy may put before everything a connection says, to tell who connected to it:
// the PROXY protocol of haproxy, versions 1 and 2 (haproxy's doc/proxy-protocol.txt).
#pragma once

#include <optional>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/ip_address.h"
#include "common/base/result.h"

namespace relay {

constexpr std::size_t max_proxy_header_v1 = 107;  // Bytes, its end included: section 2.1.
constexpr std::size_t max_proxy_header = 2048;    // Of either version, with what it adds.

struct ProxySource {
    IpAddress address;
    std::uint16_t port = 0;

    bool operator==(const ProxySource&) const = default;
};

struct ProxyHeader {
    // Nothing: the proxy speaks for itself, as in a health check, or says that it does not know.
    std::optional<ProxySource> source;
};

// Whether what begins like this may be such a header. Of no bytes: it may.
bool may_be_proxy_header(Bytes start);

// Takes a header off the front of `input`. Yields nothing while it is incomplete: then all of
// `input` belongs to it.
Result<std::optional<ProxyHeader>> take_proxy_header(Bytes& input);

// A header that tells of a TCP connection. One IPv4 and one IPv6 address go as two of IPv6.
ByteVector proxy_header_v1(const ProxySource& source, const ProxySource& destination);
ByteVector proxy_header_v2(const ProxySource& source, const ProxySource& destination);
// Of version 2, by what "ADDRESS:PORT" and "[ADDRESS]:PORT" say. Where one of them is none, for a
// probe or for somebody who is known by a name, it speaks for nobody.
ByteVector proxy_header_for(std::string_view source, std::string_view destination);

}  // namespace relay
