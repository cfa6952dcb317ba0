#include "common/gates/ruleset.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/gates/knock_chains.h"
#include "common/gates/names.h"

namespace relay {

namespace {

constexpr std::string_view prefix = "relayd-gate ";
constexpr Family families[] = {Family::V4, Family::V6};
constexpr Pass passes[] = {Pass::Knocked, Pass::Operator};

std::string table_words() {
    return "inet " + std::string{gates_table};
}

// A timeout of 0 would be none at all.
Duration at_least_a_moment(Duration left) {
    return std::max<Duration>(left, std::chrono::milliseconds{1});
}

std::string element_of(const OpenFor& whom, Duration usual) {
    const auto left = at_least_a_moment(whom.left);
    return to_text(whom.address) + " timeout " + duration_text(std::max(left, usual)) +
           " expires " + duration_text(left);
}

void add_open_sets(const Gate& gate, const GateState& kept, std::string& table) {
    for (const Pass pass : passes) {
        const auto usual = pass == Pass::Knocked ? gate.settings.open_for : Duration{};
        for (const Family family : families) {
            std::string elements;
            for (const auto& whom : kept.open) {
                if (whom.pass != pass || family_of(whom.address) != family) continue;
                elements += (elements.empty() ? "" : ", ") + element_of(whom, usual);
            }
            table += "\tset " + set_name(gate.name, word_of(pass), family) + " { type " +
                     (family == Family::V4 ? "ipv4_addr" : "ipv6_addr") +
                     "; flags dynamic,timeout; timeout " + duration_text(gate.settings.open_for) +
                     "; size 65535;";
            if (!elements.empty()) table += " elements = { " + elements + " };";
            table += " }\n";
        }
    }
}

void add_always(const Gate& gate, std::string& table) {
    for (const auto& network : gate.settings.always) {
        table += "\t\t" + std::string{saddr_of(family_of(network.network))} + " " +
                 to_text(network) + " accept\n";
    }
}

bool has(const Gate& gate, Transport transport) {
    return std::ranges::any_of(
        gate.places, [&](const GatedPlace& place) { return place.ports.transport == transport; });
}

// What a packet meets that goes to a port of the gate.
void add_gate_chain(const Gate& gate, std::string& table) {
    const bool rejects = gate.settings.closed == WhenClosed::Reject;
    table += "\tchain " + chain_name(gate.name) + " {\n\t\tct state established,related accept\n";
    // Of connections that are older than the table the kernel knows nothing. To others the host
    // itself says what it says of an unused port.
    if (rejects) {
        table += "\t\tmeta l4proto tcp tcp flags & (fin|syn|rst|ack) != syn accept\n";
    }
    add_always(gate, table);
    for (const Pass pass : passes) {
        for (const Family family : families) {
            table += "\t\t" + std::string{saddr_of(family)} + " @" +
                     set_name(gate.name, word_of(pass), family) + " counter name \"" +
                     thing_name(gate.name, "passed") + "\" accept\n";
        }
    }
    const std::string refused = "counter name \"" + thing_name(gate.name, "refused") + "\" ";
    if (!rejects) {
        table += "\t\t" + refused + "drop\n";
    } else {
        table += "\t\tmeta l4proto tcp " + refused + "reject with tcp reset\n";
        if (has(gate, Transport::Udp)) table += "\t\t" + refused + "reject\n";
    }
    table += "\t}\n";
}

void add_counters(const Gate& gate, const GateCounters& counters, std::string& table) {
    const auto add = [&](std::string_view what, std::uint64_t packets) {
        table += "\tcounter " + thing_name(gate.name, what) + " { packets " +
                 std::to_string(packets) + " bytes 0 }\n";
    };
    add("passed", counters.passed);
    add("refused", counters.refused);
    add("knocked", counters.knocked);
}

std::string place_words(const GatedPlace& place) {
    std::string text;
    if (!place.address.empty()) {
        text = (place.address.find(':') == std::string::npos ? "ip daddr " : "ip6 daddr ") +
               place.address + " ";
    }
    return text + std::string{name_of(place.ports.transport)} + " dport " +
           to_text(place.ports.ports);
}

constexpr std::string_view claims_chain = "claimed";

std::string jump_of(const Gate& gate, const GatedPlace& place) {
    return place_words(place) + " jump " + chain_name(gate.name) + "\n";
}

}  // namespace

std::string claims_of(const std::vector<Gate>& gates) {
    const auto chain = table_words() + " " + std::string{claims_chain};
    std::string text = "flush chain " + chain + "\n";
    for (const auto& gate : gates) {
        for (const auto& place : gate.claimed) {
            text += "add rule " + chain + " " + jump_of(gate, place);
        }
    }
    return text;
}

std::string ruleset_of(const std::vector<Gate>& gates, const GateStates& kept, TellKnocks tell) {
    // A table that is not there cannot be deleted: so it is made first.
    std::string text = "table " + table_words() + "\ndelete table " + table_words() + "\n";
    if (gates.empty()) return text;
    std::string chains, jumps, input, claimed;
    for (const auto& gate : gates) {
        const auto found = kept.find(gate.name);
        const GateState state = found == kept.end() ? GateState{} : found->second;
        add_counters(gate, state.counters, chains);
        add_open_sets(gate, state, chains);
        for (const bool opens : {true, false}) {
            const auto& sequence = opens ? gate.settings.sequence : gate.settings.close_sequence;
            if (sequence.empty()) continue;
            const KnockChain chain{gate, sequence, opens, tell};
            add_chains(chain, chains);
            add_jumps(chain, jumps);
        }
        add_gate_chain(gate, chains);
        for (const auto& place : gate.places) input += "\t\t" + jump_of(gate, place);
        for (const auto& place : gate.claimed) claimed += "\t\t" + jump_of(gate, place);
    }
    const auto claims = std::string{claims_chain};
    text += "table " + table_words() + " {\n" + chains + "\tchain " + claims + " {\n" + claimed +
            "\t}\n" + "\tchain input {\n\t\ttype filter hook input priority filter - " +
            std::to_string(-gates_priority) + "; policy accept;\n\t\tiifname \"lo\" accept\n" +
            jumps + input + "\t\tjump " + claims + "\n\t}\n}\n";
    return text;
}

std::string opening(const std::string& gate, const OpenFor& whom) {
    const auto set = table_words() + " " +
                     set_name(gate, word_of(whom.pass), family_of(whom.address)) + " { " +
                     to_text(whom.address);
    // Older kernels leave an element's time alone that is added again; and one that is not there
    // cannot be deleted.
    return "add element " + set + " }\ndelete element " + set + " }\nadd element " + set +
           " timeout " + duration_text(at_least_a_moment(whom.left)) + " }\n";
}

std::string closing(const std::string& gate, const IpAddress& address) {
    std::string text;
    for (const Pass pass : passes) {
        const auto element = table_words() + " " +
                             set_name(gate, word_of(pass), family_of(address)) + " { " +
                             to_text(address) + " }\n";
        text += "add element " + element + "delete element " + element;
    }
    return text;
}

std::string log_prefix(const KnockNote& note) {
    return std::string{prefix} + note.gate + (note.has_opened ? " open" : " close");
}

Result<KnockNote> parse_log_prefix(std::string_view text) {
    const Error wrong{ErrorCode::Malformed, "not a note of a gate"};
    if (!text.starts_with(prefix)) return wrong;
    const auto words = split(text.substr(prefix.size()), ' ');
    if (words.size() != 2 || (words[1] != "open" && words[1] != "close")) return wrong;
    const auto gate = parse_gate_name(words[0]);
    if (!gate) return gate.error();
    return KnockNote{*gate, words[1] == "open"};
}

}  // namespace relay
