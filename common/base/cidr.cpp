#include "common/base/cidr.h"

#include <algorithm>

#include "common/base/text.h"

namespace relay {

namespace {

constexpr unsigned v4_offset = 96;

IpAddress masked(const IpAddress& address, unsigned prefix) {
    IpAddress network;
    for (unsigned i = 0; i < 16; ++i) {
        const unsigned bits = prefix > 8 * i ? std::min(8U, prefix - 8 * i) : 0;
        network.bytes[i] = static_cast<std::uint8_t>(address.bytes[i] & (0xff00U >> bits));
    }
    return network;
}

}  // namespace

bool Cidr::contains(const IpAddress& address) const {
    return masked(address, prefix) == network;
}

Cidr network_of(const IpAddress& address, unsigned prefix) {
    return {masked(address, prefix), prefix};
}

Result<Cidr> parse_cidr(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_ip_address(text.substr(0, slash));
    if (!address) {
        return Error{ErrorCode::Malformed,
                     "'" + std::string{text} +
                         "' is neither an address nor a network such as 192.168.1.0/24"};
    }
    if (slash == std::string_view::npos) return Cidr{*address, 128};
    const unsigned most = address->is_v4() ? 32 : 128;
    const auto length = parse_number(text.substr(slash + 1), most);
    if (!length) {
        return Error{
            ErrorCode::Malformed,
            "'" + std::string{text} + "' needs a prefix length from 0 to " + std::to_string(most)};
    }
    const unsigned prefix = static_cast<unsigned>(*length) + (address->is_v4() ? v4_offset : 0);
    const Cidr cidr{masked(*address, prefix), prefix};
    if (cidr.network != *address) {
        return Error{ErrorCode::Malformed, "'" + std::string{text} +
                                               "' has bits beyond its prefix: write " +
                                               to_text(cidr) + " or the address alone"};
    }
    return cidr;
}

std::string to_text(const Cidr& cidr) {
    const auto network = to_text(cidr.network);
    if (cidr.prefix == 128) return network;
    const bool is_v4 = cidr.network.is_v4() && cidr.prefix >= v4_offset;
    return network + "/" + std::to_string(cidr.prefix - (is_v4 ? v4_offset : 0));
}

}  // namespace relay
