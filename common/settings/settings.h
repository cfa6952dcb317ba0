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

// One listener at the relay, and where its connections go at the home.
struct ForwardSettings {
    HostPort listen;  // Always an address.
    HostPort target;
    ProbeKind probe = ProbeKind::Auto;
    // How long the listener stays open and new visitors wait while the home is away.
    Duration grace = std::chrono::seconds{30};

    bool operator==(const ForwardSettings&) const = default;
};

// A home that may connect to this relay.
struct HomeEntry {
    std::vector<AuthorizedKey> keys;  // At least one; several during a rotation.
    std::vector<Cidr> from;           // Where it may dial in from; empty: anywhere.
    std::vector<ForwardSettings> forwards;
};

struct RelaySettings {
    std::vector<Endpoint> listen = {
        {.kind = CarrierKind::Wss, .host = "0.0.0.0", .port = 443, .path = "/"}};
    std::optional<Endpoint> public_endpoint;  // Where homes reach it, as invitations tell them.
    std::string certificate;  // Path of a PEM chain; empty: self-signed, in the state directory.
    std::string certificate_key;  // Path of its key; set exactly if `certificate` is.
    std::string key;              // Path of the identity; empty: in the state directory.
    std::map<std::string, HomeEntry> homes;
    Duration keep_streams = std::chrono::minutes{10};  // How long streams outlive their carriers.
    Duration ping_interval = std::chrono::seconds{3};
    Duration ping_deadline = std::chrono::seconds{7};    // Silence for so long ends a carrier.
    Duration probe_interval = std::chrono::seconds{30};  // 0: targets are not probed by themselves.
    Duration handshake_timeout = std::chrono::seconds{10};
    unsigned probe_failures = 3;  // In a row, until a target counts as down.
    std::size_t streams_per_home = 8192;
};

// How a home judges the relay's TLS certificate. The relay's identity is judged by its key anyway.
enum class TlsVerify {
    None,
    System,  // By the system's certificate authorities.
    File,    // By those in a PEM file.
};

struct HomeSettings {
    std::string name;
    std::vector<Endpoint> relays;          // At least one; tried in order.
    unsigned carriers = 1;                 // How many are kept at once.
    std::vector<std::string> bind;         // The local address of each; the last is for the rest.
    std::optional<Fingerprint> relay_key;  // None: the first key seen is remembered.
    std::string key;                       // Path of the identity; empty: in the state directory.
    std::string proxy;             // URL; empty: from the environment; "none": no proxy at all.
    std::vector<AllowRule> allow;  // Empty: nothing may be dialled.
    TlsVerify tls_verify = TlsVerify::None;
    std::string tls_verify_file;  // Path, for TlsVerify::File.
    Duration keep_streams = std::chrono::minutes{10};
    Duration ping_interval = std::chrono::seconds{3};
    Duration ping_deadline = std::chrono::seconds{7};
    Duration connect_timeout = std::chrono::seconds{10};
    Duration reconnect_first = std::chrono::seconds{1};
    Duration reconnect_most = std::chrono::seconds{10};
};

struct Settings {
    LogLevel log_level = LogLevel::Info;
    std::string control;    // Path of the control socket; empty: the program's choice.
    std::string state_dir;  // Path; empty: the program's choice.
    std::string control_group = "relayd";  // Whose members may use the control socket.
    MemorySettings memory;
    // Exactly one of them.
    std::optional<RelaySettings> relay;
    std::optional<HomeSettings> home;
};

}  // namespace relay
