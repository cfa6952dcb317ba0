// Gates: ports of this host that are closed to everybody but those who are always let in and those
// who have knocked (docs/GATES.md).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/cidr.h"
#include "common/base/host_port.h"
#include "common/base/time.h"
#include "common/crypto/ssh_public_key.h"

namespace relay {

struct Settings;

inline constexpr std::uint16_t usual_knock_port = 62201;
inline constexpr std::size_t max_gates = 64;
inline constexpr std::size_t max_gate_name_size = 32;
inline constexpr std::size_t max_gate_ports = 64;
inline constexpr std::size_t max_gate_always = 256;
inline constexpr std::size_t max_knock_steps = 16;
inline constexpr std::size_t max_hook_words = 64;
inline constexpr std::size_t max_claimed_places = 512;  // Of all gates, where ranges are one.

enum class Transport { Tcp, Udp };
std::string_view name_of(Transport transport);

struct GatePorts {
    PortRange ports;
    Transport transport = Transport::Tcp;

    bool operator==(const GatePorts&) const = default;
};

// One knock of a sequence.
struct KnockStep {
    std::uint16_t port = 0;
    Transport transport = Transport::Tcp;

    bool operator==(const KnockStep&) const = default;
};

// What those who may not pass get to see.
enum class WhenClosed {
    Reject,  // What a port shows that nobody listens on.
    Drop,    // Nothing at all.
};
std::string_view name_of(WhenClosed what);

struct GateSettings {
    std::vector<GatePorts> ports;  // Of every address of this host.
    std::vector<Cidr> always;      // Who need not knock.
    WhenClosed closed = WhenClosed::Reject;
    Duration open_for = std::chrono::seconds{10};
    std::vector<KnockStep> sequence;
    std::vector<KnockStep> close_sequence;
    Duration within = std::chrono::seconds{5};  // From the first knock to the last.
    bool allow_ascending = false;
    // Who opens it by a signed knock: keys, and names of visitors and homes of the relay.
    std::vector<PublicKey> keys;
    std::vector<std::string> visitors;
    // What relayd-hooks runs when somebody has knocked, and after open_for: a program and its
    // arguments, in which %IP% stands for the address. Empty: nothing.
    std::vector<std::string> start_command;
    std::vector<std::string> stop_command;

    bool operator==(const GateSettings&) const = default;
};

// A key of a visitor or a home that no settings have, and who may knock where gates name it.
struct KnownPeer {
    std::string name;
    PublicKey key;
    std::vector<Cidr> from;  // Empty: from anywhere.
};

// Where a gate stands: all its ports, its forwards and its listeners.
struct GatedPlace {
    std::string address;  // Empty: any.
    GatePorts ports;

    bool operator==(const GatedPlace&) const = default;
};

struct Gate {
    std::string name;
    GateSettings settings;
    std::vector<GatedPlace> places;
    std::vector<GatedPlace> claimed = {};  // Of forwards that no settings have (gates/claims.h).

    bool operator==(const Gate&) const = default;
};

// Whether one packet could go to both.
bool overlap(const GatedPlace& a, const GatedPlace& b);

// All of them, with what stands behind each.
std::vector<Gate> gates_of(const Settings& settings);

// Letters, digits and '-', from a letter on.
Result<std::string> parse_gate_name(std::string_view text);
// "22", "22/tcp", "6000-6010/udp".
Result<GatePorts> parse_gate_ports(std::string_view text);
std::string to_text(const GatePorts& ports);
// "10001", "10001/tcp", "10001/udp"; also "10001:udp", as knock(1) says it.
Result<KnockStep> parse_knock_step(std::string_view text);
std::string to_text(const KnockStep& step);
std::string to_text(const std::vector<KnockStep>& sequence);

// Where a relay hears signed knocks, as who dials it says it: "62201"; "yes" is the usual port,
// "no" is 0.
Result<std::uint16_t> parse_knock_port(std::string_view text);

// Whether whoever tries one port after another, upwards or downwards, knocks it by that.
bool is_monotone(const std::vector<KnockStep>& sequence);
// The same ports in an order that no such scan has; empty if there is none.
std::vector<KnockStep> reordered(std::vector<KnockStep> sequence);

}  // namespace relay
