#include "common/base/endpoint.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/host_port.h"

namespace relay {

namespace {

struct Scheme {
    std::string_view text;
    CarrierKind kind;
    std::uint16_t usual_port;
    bool is_plain = false;
};

constexpr Scheme schemes[] = {
    {"wss://", CarrierKind::Wss, 443},
    {"ws://", CarrierKind::Ws, 80},
    {"tls://", CarrierKind::Tls, 443},
    {"https+poll://", CarrierKind::Poll, 443},
    {"http+poll://", CarrierKind::Poll, 80, true},
};

const Scheme& scheme_of(const Endpoint& endpoint) {
    for (const auto& scheme : schemes) {
        if (scheme.kind == endpoint.kind && scheme.is_plain == endpoint.is_plain) return scheme;
    }
    unreachable();
}

const Scheme* scheme_at_front(std::string_view text) {
    for (const auto& scheme : schemes) {
        if (text.starts_with(scheme.text)) return &scheme;
    }
    return nullptr;
}

Error malformed(std::string_view what, std::string_view why) {
    return {ErrorCode::Malformed, "'" + std::string{what} + "' " + std::string{why}};
}

Error too_large() {
    return {ErrorCode::TooLarge, "an endpoint has at most 1024 characters, with its port"};
}

// It goes into a request line as it is (RFC 3986 section 3.3), and a fragment would not arrive.
bool is_path(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c > ' ' && c <= '~' && c != '#' && c != '\\'; });
}

// "host", "host:port", "[ipv6]" or "[ipv6]:port".
Result<HostPort> parse_authority(std::string_view text, std::uint16_t usual_port) {
    const bool has_port = text.starts_with('[') ? text.find("]:") != std::string_view::npos
                                                : text.find(':') != std::string_view::npos;
    return parse_host_port(has_port ? std::string{text}
                                    : std::string{text} + ":" + std::to_string(usual_port));
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
    if (text.size() > max_endpoint_size) return too_large();
    const auto* scheme = scheme_at_front(text);
    if (scheme == nullptr) {
        return malformed(text,
                         "must begin with wss://, ws://, tls://, https+poll:// or http+poll://");
    }
    const auto rest = text.substr(scheme->text.size());
    const auto slash = std::min(rest.find('/'), rest.size());
    auto address = parse_authority(rest.substr(0, slash), scheme->usual_port);
    if (!address) return address.error();
    const auto path = rest.substr(slash);
    if (!is_path(path)) return malformed(path, "is not a path");
    if (scheme->kind == CarrierKind::Tls && path.size() > 1) {
        return malformed(text, "has a path, which tls:// cannot have");
    }
    Endpoint endpoint{.kind = scheme->kind,
                      .host = std::move(address->host),
                      .port = address->port,
                      .path = path.empty() ? "/" : std::string{path},
                      .is_plain = scheme->is_plain};
    // Written out it has its port, and must be short enough to be read again.
    if (to_text(endpoint).size() > max_endpoint_size) return too_large();
    return endpoint;
}

std::string to_text(const Endpoint& endpoint) {
    return std::string{scheme_of(endpoint).text} + bracketed(endpoint.host) + ":" +
           std::to_string(endpoint.port) + (endpoint.path == "/" ? "" : endpoint.path);
}

std::string host_field(const Endpoint& endpoint) {
    const auto host = bracketed(endpoint.host);
    return endpoint.port == scheme_of(endpoint).usual_port
               ? host
               : host + ":" + std::to_string(endpoint.port);
}

}  // namespace relay
