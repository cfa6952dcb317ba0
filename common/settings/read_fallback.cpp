#include "common/base/ip_address.h"
#include "common/settings/sections.h"

namespace relay {

namespace {

constexpr std::size_t max_socket_path_size = 107;  // unix(7)
constexpr std::string_view unix_scheme = "unix:";

using ProxyProtocol = FallbackSettings::ProxyProtocol;

Result<FallbackSettings> parse_fallback(std::string_view text) {
    FallbackSettings fallback;
    if (text.starts_with(unix_scheme)) {
        auto path = parse_path(text.substr(unix_scheme.size()));
        if (!path) return path.error();
        if (path->size() > max_socket_path_size) {
            return Error{ErrorCode::TooLarge, "the path of a socket has at most 107 bytes"};
        }
        fallback.path = *std::move(path);
        return fallback;
    }
    auto address = parse_host_port(text);
    if (!address) return address.error();
    if (!parse_ip_address(address->host)) {
        return Error{ErrorCode::Malformed,
                     "write an address and a port, as 127.0.0.1:8080, or unix:/PATH"};
    }
    fallback.to = *std::move(address);
    return fallback;
}

Result<ProxyProtocol> parse_proxy_protocol(std::string_view text) {
    if (text == "none") return ProxyProtocol::None;
    if (text == "v1") return ProxyProtocol::V1;
    if (text == "v2") return ProxyProtocol::V2;
    return Error{ErrorCode::Malformed, "'" + std::string{text} + "' must be none, v1 or v2"};
}

}  // namespace

std::optional<FallbackSettings> read_fallback(MapReader& relay, Source& source) {
    const Node* node = relay.find("fallback");
    if (node == nullptr) return std::nullopt;
    FallbackSettings fallback;
    if (node->kind != Node::Kind::Map) {
        relay.scalar("fallback", fallback, parse_fallback);
        return fallback;
    }
    MapReader reader{*node, relay.path_of("fallback"), source};
    reader.require("to", "127.0.0.1:8080");
    reader.scalar("to", fallback, parse_fallback);
    reader.scalar("proxy-protocol", fallback.proxy_protocol, parse_proxy_protocol);
    reader.refuse_others();
    return fallback;
}

}  // namespace relay
