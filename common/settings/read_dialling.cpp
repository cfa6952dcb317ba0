// What homes and visitors say alike: how the relay is reached.
#include <algorithm>

#include "common/base/ip_address.h"
#include "common/settings/forward.h"
#include "common/settings/gate.h"
#include "common/settings/sections.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

Result<std::string> parse_home_name(std::string_view text) {
    const auto good = check_home_name(text);
    if (!good) return good.error();
    return std::string{text};
}

Result<std::string> parse_local_address(std::string_view text) {
    if (parse_ip_address(text)) return std::string{text};
    return Error{ErrorCode::Malformed, "write an address of this host, as 192.0.2.7"};
}

// The URL may hold a password, so that no message repeats it.
Result<std::string> parse_proxy(std::string_view text) {
    static constexpr std::string_view schemes[] = {"http://",    "https://",  "socks4://",
                                                   "socks4a://", "socks5://", "socks5h://"};
    auto url = parse_text(text);
    if (!url || text == "none") return url;
    const bool is_known = std::any_of(std::begin(schemes), std::end(schemes), [&](auto scheme) {
        return text.starts_with(scheme) && text.size() > scheme.size();
    });
    if (is_known) return url;
    return Error{ErrorCode::Malformed,
                 "write none, or a URL that begins with http://, https://, socks4://, "
                 "socks4a://, socks5:// or socks5h://"};
}

// What HTTP calls a token (RFC 9110 5.6.2).
bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        const bool is_letter_or_digit =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        return is_letter_or_digit ||
               std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
    });
}

// Those that relayd writes itself, or on which the meaning of the request hangs.
bool is_taken(std::string_view name) {
    static constexpr std::string_view names[] = {
        "host", "upgrade", "connection", "content-length", "user-agent", "transfer-encoding"};
    std::string lower{name};
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower.starts_with("sec-websocket-") ||
           std::find(std::begin(names), std::end(names), lower) != std::end(names);
}

// The value may be a secret, so that no message repeats it.
Result<std::string> parse_header(std::string_view text) {
    const auto line = parse_text(text);
    if (!line) return line.error();
    const auto name = text.substr(0, text.find(':'));
    if (name.size() == text.size() || !is_token(name)) {
        return Error{ErrorCode::Malformed, "write \"Name: value\""};
    }
    if (is_taken(name)) {
        return Error{
            ErrorCode::Malformed,
            "'" + std::string{name} + "' is not for headers: host and user-agent are settings"};
    }
    return *line;
}

// A name or an address, with a port or not; no spaces.
Result<std::string> parse_web_host(std::string_view text) {
    if (parse_text(text) && text.find_first_of(" /@") == std::string_view::npos) {
        return std::string{text};
    }
    return Error{ErrorCode::Malformed, "write a host's name, as www.example.com"};
}

void read_appearance(MapReader& reader, Appearance& shown) {
    reader.scalar("user-agent", shown.user_agent, parse_text);
    reader.scalars("headers", max_headers, shown.headers, parse_header);
    reader.scalars("proxy-headers", max_headers, shown.proxy_headers, parse_header);
    reader.scalar("host", shown.host, parse_web_host);
    reader.scalar("server-name", shown.server_name, parse_web_host);
}

void read_roads(MapReader& reader, RoadSettings& roads) {
    reader.scalar("carrier", roads.carrier, parse_carrier_choice);
    reader.duration("road-patience", roads.patience, {.least = 50ms, .most = 1min});
    reader.duration("road-retry-first", roads.retry_first, {.least = 50ms, .most = 24h});
    reader.duration("road-retry-most", roads.retry_most, {.least = 50ms, .most = 24h});
}

void read_tls_verify(MapReader& reader, DialSettings& dial) {
    std::string text = "none";
    reader.scalar("tls-verify", text, [](std::string_view value) -> Result<std::string> {
        if (value == "none" || value == "system") return std::string{value};
        if (auto path = parse_path(value)) return path;
        return Error{ErrorCode::Malformed,
                     "allowed are none, system, and the path of a PEM file with certificates"};
    });
    if (reader.find("tls-verify") == nullptr) return;
    dial.tls_verify = text == "none"     ? TlsVerify::None
                      : text == "system" ? TlsVerify::System
                                         : TlsVerify::File;
    dial.tls_verify_file = dial.tls_verify == TlsVerify::File ? text : std::string();
}

}  // namespace

void read_who(MapReader& reader, DialSettings& dial) {
    reader.scalar("name", dial.name, parse_home_name);
    reader.path_or_credential("key", dial.key);
}

void read_dialling(MapReader& reader, DialSettings& dial, Source& source) {
    read_who(reader, dial);
    reader.require("relay", "wss://vps.example.com");
    read_ways(reader, dial, source);
}

void read_ways(MapReader& reader, DialSettings& dial, Source& source) {
    const Node* relays = reader.find("relay");
    reader.scalars("relay", max_endpoints, dial.relays, parse_endpoint);
    const bool names_none = relays != nullptr && relays->kind != Node::Kind::Scalar &&
                            relays->items.empty() && relays->entries.empty();
    if (names_none) source.wrong(*relays, "'relay' needs at least one endpoint");
    reader.scalar("carriers", dial.carriers, number_between<unsigned>(1, max_carriers));
    reader.scalars("bind", max_carriers, dial.bind, parse_local_address);
    reader.scalar("relay-key", dial.relay_key,
                  [](std::string_view text) -> Result<std::optional<Fingerprint>> {
                      const auto fingerprint = parse_fingerprint(text);
                      if (!fingerprint) return fingerprint.error();
                      return std::optional{*fingerprint};
                  });
    reader.scalar("proxy", dial.proxy, parse_proxy);
    reader.path("proxy-ca", dial.proxy_authorities);
    read_roads(reader, dial.roads);
    read_appearance(reader, dial.appearance);
    read_tls_verify(reader, dial);
    reader.scalar("tls-ended-by-proxy", dial.tls_ended_by_proxy, parse_switch);
    reader.scalar("knock", dial.knock, parse_knock_port);
    read_liveness(reader, {dial.keep_streams, dial.ping_interval, dial.ping_deadline});
    reader.duration("reconnect-first", dial.reconnect_first, {.least = 50ms, .most = 1h});
    reader.duration("reconnect-most", dial.reconnect_most, {.least = 50ms, .most = 24h});
}

}  // namespace relay
