// Where carriers are accepted, or dialled to.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/carriers/carrier.h"

namespace relay {

struct Endpoint {
    CarrierKind kind = CarrierKind::Wss;
    std::string host;  // A name or an address, this one without brackets.
    std::uint16_t port = 443;
    std::string path = "/";  // For wss and ws.

    bool operator==(const Endpoint&) const = default;
};

// "wss://vps.example.com:443/", as in the settings.
std::string to_text(const Endpoint& endpoint);

}  // namespace relay
