// Gates as rules of nftables: one table of our own, in which the kernel alone follows sequences of
// knocks (docs/GATES.md, "The table").
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ip_address.h"
#include "common/base/time.h"
#include "common/settings/gate.h"

namespace relay {

inline constexpr std::string_view gates_table = "relayd_gates";
// Where the kernel tells of knocks (NFLOG).
inline constexpr std::uint16_t gates_log_group = 5140;
// Before the rules of others, who may still refuse what a gate lets in.
inline constexpr int gates_priority = -10;
// Ports on either side of one of a sequence: a knock there is a wrong one.
inline constexpr unsigned decoy_ports = 5;
// Knocks of one address at one sequence, right ones and wrong ones; others are as if unheard.
inline constexpr unsigned tries_at_once = 60;
inline constexpr unsigned tries_a_minute = 30;

// Why somebody may pass.
enum class Pass {
    Knocked,   // For as long as the settings say.
    Operator,  // For as long as an operator said.
};

struct OpenFor {
    IpAddress address;
    Pass pass = Pass::Knocked;
    Duration left{};

    bool operator==(const OpenFor&) const = default;
};

struct GateCounters {
    std::uint64_t passed = 0;   // New connections, and packets of UDP that began an exchange.
    std::uint64_t refused = 0;  // Packets.
    std::uint64_t knocked = 0;  // Sequences that were right.

    bool operator==(const GateCounters&) const = default;
};

// What changes by itself in the kernel.
struct GateState {
    std::vector<OpenFor> open;
    GateCounters counters;

    bool operator==(const GateState&) const = default;
};
using GateStates = std::map<std::string, GateState>;  // By the names of gates.

enum class TellKnocks { Yes, No };  // No: of a kernel without NFLOG.

// The whole table, in one transaction that puts it in the place of a former one, and with it what
// is known of gates that still exist. Without gates: that the table goes.
std::string ruleset_of(const std::vector<Gate>& gates, const GateStates& kept, TellKnocks tell);

// Commands that make what is claimed of these gates all that is claimed, in a table that has all of
// them. Whoever is let in, and whoever knocks just now, stays untouched.
std::string claims_of(const std::vector<Gate>& gates);

// Commands for one address. Whether it has passed already does not matter.
std::string opening(const std::string& gate, const OpenFor& whom);
std::string closing(const std::string& gate, const IpAddress& address);

// The line that the kernel sends with the packet that opened or closed: "relayd-gate ssh open".
struct KnockNote {
    std::string gate;
    bool has_opened = false;

    bool operator==(const KnockNote&) const = default;
};
std::string log_prefix(const KnockNote& note);
Result<KnockNote> parse_log_prefix(std::string_view text);

// What `nft list table` says of the table above. Anything else in it is left out.
GateStates states_in(std::string_view listing);

}  // namespace relay
