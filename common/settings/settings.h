// What an operator decides, as plain values: complete and valid once loaded. relayd.yaml(5) has the
// text form of each.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/cidr.h"
#include "common/base/endpoint.h"
#include "common/base/host_port.h"
#include "common/base/log_level.h"
#include "common/base/probe_kind.h"
#include "common/base/time.h"
#include "common/crypto/authorized_keys.h"
#include "common/crypto/fingerprint.h"
#include "common/settings/allow_rule.h"
#include "common/settings/carrier_choice.h"
#include "common/settings/gate.h"
#include "common/settings/listen_rule.h"
#include "common/settings/policy.h"
#include "common/settings/reach_rule.h"
#include "common/settings/sealing.h"

namespace relay {

inline constexpr std::size_t max_homes = 4096;
inline constexpr std::size_t max_forwards_per_home = 4096;
inline constexpr std::size_t max_forwards = 65536;  // Of all homes: a few bytes can name 4096.
inline constexpr std::size_t max_keys_per_home = 16;
inline constexpr std::size_t max_from_per_home = 64;
inline constexpr std::size_t max_endpoints = 16;
inline constexpr unsigned max_carriers = 8;  // PROTOCOL.md: carrier_slots_max.
inline constexpr std::size_t max_allow_rules = 1024;
inline constexpr std::size_t max_streams_per_home = 16384;
inline constexpr std::size_t max_home_name_size = 64;
inline constexpr std::size_t max_headers = 32;
inline constexpr std::size_t max_visitors = 4096;
inline constexpr std::size_t max_visitor_name_size = 63;
inline constexpr std::size_t max_reach_rules = 64;
inline constexpr std::size_t max_trusted_proxies = 64;
inline constexpr std::size_t max_listen_rules = 64;
inline constexpr std::size_t max_asked_forwards = 256;  // PROTOCOL.md: forwards_asked_max.
inline constexpr std::size_t max_relay_targets = 256;
inline constexpr std::size_t max_relays_at_once = 8;
inline constexpr std::size_t max_home_keys = 4096;
inline constexpr std::size_t max_accepted_visitors = 4096;

// A size, or a share of the machine's memory: exactly one of them.
struct MemoryShare {
    std::size_t bytes = 0;
    unsigned percent = 0;

    bool operator==(const MemoryShare&) const = default;
};

// What rings may take. A stream that gets less is slower, and never lost.
struct MemorySettings {
    std::size_t per_stream = std::size_t{16} << 20;   // Each direction; a power of two.
    std::size_t per_session = std::size_t{64} << 20;  // All streams of one home.
    MemoryShare total{.percent = 25};                 // All sessions.

    bool operator==(const MemorySettings&) const = default;
};

// Who may connect to a unix socket that we listen on: its file says so.
struct SocketFile {
    unsigned mode = 0660;
    std::string group = {};  // Whose it is; empty: whose it is by birth.

    bool operator==(const SocketFile&) const = default;
};

// Of a forward whose target is an FTP server: its data connections, which no forward names, come by
// this relay too.
struct FtpForward {
    bool is_on = false;
    // Where they come to; nothing: ports of the system's choice.
    std::optional<PortRange> data_ports = {};
    bool refuses_tls = false;  // Behind which nothing can be read.

    bool operator==(const FtpForward&) const = default;
};
// One listener at the relay, and where its connections go at the home.
struct ForwardSettings {
    HostPort listen;  // Always an address, or a unix socket.
    HostPort target;
    ProbeKind probe = ProbeKind::Auto;
    // How long the listener stays open and new visitors wait while the home is away.
    Duration grace = std::chrono::seconds{30};
    // Whether those who guess passwords are refused; empty: unless it listens on loopback.
    std::optional<bool> guard = {};
    // Whether its target is told who the visitor is, by a PROXY protocol header before all else.
    bool proxy_protocol = false;
    SocketFile file = {};  // Where it listens on a unix socket.
    FtpForward ftp = {};
    std::string gate = {};  // That it is behind; empty: none.

    bool operator==(const ForwardSettings&) const = default;
};

// A home that may connect to this relay.
struct HomeEntry {
    std::vector<AuthorizedKey> keys;  // At least one; several during a rotation.
    std::vector<Cidr> from;           // Where it may dial in from; empty: anywhere.
    std::vector<ForwardSettings> forwards;
    Policy policy;
    std::vector<ListenRule> may_listen;  // What forwards it may ask for; empty: none.
    std::vector<ReachRule> may_reach;    // As a visitor's.
    std::string default_gate;            // As RelaySettings', and before it.
};

// A visitor that may connect to this relay by its key.
struct VisitorEntry {
    std::vector<AuthorizedKey> keys;
    std::vector<Cidr> from;
    std::vector<ReachRule> may_reach;  // Empty: nothing.
    Policy policy;                     // Without targets: may_reach says what it reaches.
};

// When a visitor's address is refused for a while, of all forwards that are guarded.
struct GuardSettings {
    unsigned connections = 60;  // More new ones within a minute,
    unsigned brief = 10;        // or so many within ten minutes that last less than 20 s.
    Duration refuse_for = std::chrono::hours{1};
    std::vector<Cidr> always;  // Never refused.

    bool operator==(const GuardSettings&) const = default;
};

// The web server that gets what is no carrier's.
struct FallbackSettings {
    // Whether a PROXY header goes before what a connection says.
    enum class ProxyProtocol { None, V1, V2 };

    HostPort to;            // An address and a port, where `path` is empty.
    std::string path = {};  // Of a unix socket.
    ProxyProtocol proxy_protocol = ProxyProtocol::None;

    bool operator==(const FallbackSettings&) const = default;
};

struct RelaySettings {
    std::vector<Endpoint> listen = {
        {.kind = CarrierKind::Wss, .host = "0.0.0.0", .port = 443, .path = "/"}};
    std::vector<std::string> listen_gates;  // What each is behind; empty, or missing: nothing.
    std::string default_gate;  // Of forwards that come at run time and name none; empty: none.
    bool poll = true;  // Whether homes may come by plain GET and POST, on wss and ws endpoints.
    // Whose word counts about who is behind them, and that they end TLS for homes that allow it.
    std::vector<Cidr> trusted_proxies;
    std::optional<FallbackSettings> fallback;
    std::optional<Endpoint> public_endpoint;  // Where homes reach it, as invitations tell them.
    std::string certificate;  // Path of a PEM chain; empty: self-signed, in the state directory.
    std::string certificate_key;  // Path of its key; set exactly if `certificate` is.
    std::string key;              // Path of the identity; empty: in the state directory.
    std::map<std::string, HomeEntry> homes;
    std::map<std::string, VisitorEntry> visitors;
    // What may be reached as relay:PORT or relay:unix:PATH; each port is there once.
    std::vector<HostPort> targets;
    Duration keep_streams = std::chrono::minutes{10};  // How long streams outlive their carriers.
    Duration ping_interval = std::chrono::seconds{3};
    Duration ping_deadline = std::chrono::seconds{7};    // Silence for so long ends a carrier.
    Duration probe_interval = std::chrono::seconds{30};  // 0: targets are not probed by themselves.
    Duration handshake_timeout = std::chrono::seconds{10};
    unsigned probe_failures = 3;  // In a row, until a target counts as down.
    std::size_t streams_per_home = 8192;
    GuardSettings guard;
    AcceptHook accept_hook;
};

// How a home or a visitor judges the relay's TLS certificate. The relay's identity is judged by its
// key anyway.
enum class TlsVerify {
    None,
    System,  // By the system's certificate authorities.
    File,    // By those in a PEM file.
};

// How a home or a visitor shows itself to proxies and web servers on its way. Headers may be
// secrets.
struct Appearance {
    std::string user_agent;
    std::vector<std::string> headers;        // "Name: value", of the WebSocket upgrade.
    std::vector<std::string> proxy_headers;  // The same, of CONNECT.
    std::string host;                        // The upgrade's Host; empty: as the endpoint says.
    std::string server_name;                 // TLS's SNI, and whom the certificate must name.

    bool operator==(const Appearance&) const = default;
};

// Which road is taken to a relay, and when a better one is tried again.
struct RoadSettings {
    CarrierChoice carrier = CarrierChoice::Auto;
    Duration patience = std::chrono::seconds{3};  // With a silent one; then another beside it.
    Duration retry_first = std::chrono::minutes{1};
    Duration retry_most = std::chrono::minutes{10};

    bool operator==(const RoadSettings&) const = default;
};

// How a home, or a visitor, gets to its relay and stays there.
struct DialSettings {
    std::string name;
    std::vector<Endpoint> relays;          // At least one; tried in order.
    unsigned carriers = 1;                 // How many are kept at once.
    std::vector<std::string> bind;         // The local address of each; the last is for the rest.
    std::optional<Fingerprint> relay_key;  // None: the first key seen is remembered.
    std::string key;                       // Path of the identity; empty: in the state directory.
    std::string proxy;              // URL; empty: from the environment; "none": no proxy at all.
    std::string proxy_authorities;  // PEM file, for https:// proxies; empty: the system's.
    RoadSettings roads;
    Appearance appearance;
    TlsVerify tls_verify = TlsVerify::None;
    std::string tls_verify_file;  // Path, for TlsVerify::File.
    // On wss a proxy before the relay may end TLS. Only with a certificate that is checked.
    bool tls_ended_by_proxy = false;
    std::uint16_t knock = 0;  // The relay's port of UDP that is knocked at before; 0: none.
    Duration keep_streams = std::chrono::minutes{10};
    Duration ping_interval = std::chrono::seconds{3};
    Duration ping_deadline = std::chrono::seconds{7};
    Duration reconnect_first = std::chrono::seconds{1};
    Duration reconnect_most = std::chrono::seconds{10};

    bool operator==(const DialSettings&) const = default;
};

// What a home has to do with one relay.
struct HomeRelaySettings : DialSettings {
    std::vector<ForwardSettings> forwards;  // That the relay is asked to listen for.
    std::vector<ForwardSettings> reach;     // Listeners of our own; their targets are HOME:PORT.

    bool operator==(const HomeRelaySettings&) const = default;
};

struct HomeSettings : HomeRelaySettings {
    std::vector<AllowRule> allow;  // Empty: nothing may be dialled, but what `forwards` name.
    Duration connect_timeout = std::chrono::seconds{10};
    EndToEnd end_to_end = EndToEnd::Auto;
    std::vector<PublicKey> visitors;  // Of sealed streams; empty: whom the relay lets in.
    // Relays that it keeps a session with at once, each by its name and complete in itself. Empty:
    // there is one, as the rest of this says; else the rest has neither endpoints nor `reach`.
    std::map<std::string, HomeRelaySettings> several;
};

// All relays of a home, by name; a single one has none.
std::map<std::string, HomeRelaySettings> relays_of(const HomeSettings& home);
// All endpoints of all of them.
std::vector<Endpoint> endpoints_of(const HomeSettings& home);

struct VisitSettings : DialSettings {
    std::vector<ForwardSettings> forwards;  // Their targets are HOME:PORT.
    std::optional<HostPort> dynamic;        // Where SOCKS5 is spoken.
    std::optional<HostPort> stdio;  // One stream to it, on stdin and stdout; from the command line.
    EndToEnd end_to_end = EndToEnd::Auto;
    std::vector<HomeKey> home_keys;  // Others' are remembered when they are first seen.
};

struct Settings {
    LogLevel log_level = LogLevel::Info;
    std::string control;    // Path of the control socket; empty: the program's choice.
    std::string state_dir;  // Path; empty: the program's choice.
    std::string control_group = "relayd";  // Whose members may use the control socket.
    MemorySettings memory;
    std::map<std::string, GateSettings> gates;  // Of this host; relayd-gate keeps them.
    std::vector<HostPort> knock;                // Where signed knocks arrive, by UDP.
    // Exactly one of them.
    std::optional<RelaySettings> relay;
    std::optional<HomeSettings> home;
    std::optional<VisitSettings> visit;
};

}  // namespace relay
