#include "daemon/carriers/endpoint.h"

namespace relay {

namespace {

const char* scheme_of(CarrierKind kind) {
    switch (kind) {
        case CarrierKind::Wss: return "wss://";
        case CarrierKind::Ws: return "ws://";
        case CarrierKind::Tls: return "tls://";
    }
    return "";
}

}  // namespace

std::string to_text(const Endpoint& endpoint) {
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    return scheme_of(endpoint.kind) + (is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" +
           std::to_string(endpoint.port) + (endpoint.path == "/" ? "" : endpoint.path);
}

}  // namespace relay
