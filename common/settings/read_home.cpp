#include <algorithm>

#include "common/base/ip_address.h"
#include "common/settings/forward.h"
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

void read_tls_verify(MapReader& reader, HomeSettings& home) {
    std::string text = "none";
    reader.scalar("tls-verify", text, [](std::string_view value) -> Result<std::string> {
        if (value == "none" || value == "system") return std::string{value};
        if (auto path = parse_path(value)) return path;
        return Error{ErrorCode::Malformed,
                     "allowed are none, system, and the path of a PEM file with certificates"};
    });
    if (text == "none") return;
    home.tls_verify = text == "system" ? TlsVerify::System : TlsVerify::File;
    if (home.tls_verify == TlsVerify::File) home.tls_verify_file = text;
}

}  // namespace

HomeSettings read_home(const Node& node, Source& source) {
    HomeSettings home;
    MapReader reader{node, "home", source};
    reader.require("name", "work-pc");
    reader.scalar("name", home.name, parse_home_name);
    const Node* relays = reader.require("relay", "wss://vps.example.com");
    reader.scalars("relay", max_endpoints, home.relays, parse_endpoint);
    const bool names_none = relays != nullptr && relays->kind != Node::Kind::Scalar &&
                            relays->items.empty() && relays->entries.empty();
    if (names_none) source.wrong(*relays, "'relay' needs at least one endpoint");
    reader.scalar("carriers", home.carriers, number_between<unsigned>(1, max_carriers));
    reader.scalars("bind", max_carriers, home.bind, parse_local_address);
    reader.scalar("relay-key", home.relay_key,
                  [](std::string_view text) -> Result<std::optional<Fingerprint>> {
                      const auto fingerprint = parse_fingerprint(text);
                      if (!fingerprint) return fingerprint.error();
                      return std::optional{*fingerprint};
                  });
    reader.path("key", home.key);
    reader.scalar("proxy", home.proxy, parse_proxy);
    reader.scalars("allow", max_allow_rules, home.allow, parse_allow_rule);
    read_tls_verify(reader, home);
    read_liveness(reader, {home.keep_streams, home.ping_interval, home.ping_deadline});
    reader.duration("connect-timeout", home.connect_timeout, {.least = 1s, .most = 5min});
    reader.duration("reconnect-first", home.reconnect_first, {.least = 50ms, .most = 1h});
    reader.duration("reconnect-most", home.reconnect_most, {.least = 50ms, .most = 24h});
    reader.refuse_others();
    return home;
}

}  // namespace relay
