#include "common/gates/knock_chains.h"

#include <algorithm>
#include <set>

#include "common/base/text.h"
#include "common/gates/names.h"

namespace relay {

namespace {

// Names of the sets and the chain of one sequence: "knock1", "knock2"; "close1".
std::string word_of(const KnockChain& chain) {
    return chain.opens ? "knock" : "close";
}

std::string stage_set(const KnockChain& chain, std::size_t stage, Family family) {
    return set_name(chain.gate.name, word_of(chain) + std::to_string(stage), family);
}

std::string began_set(const KnockChain& chain, Family family) {
    return set_name(chain.gate.name, word_of(chain) + "-began", family);
}

std::string tries_set(const KnockChain& chain, Family family) {
    return set_name(chain.gate.name, word_of(chain) + "-tries", family);
}

std::string chain_of(const KnockChain& chain, Family family) {
    return set_name(chain.gate.name, word_of(chain), family);
}

std::string changing(std::string_view how, const std::string& set, Family family) {
    return " " + std::string{how} + " @" + set + " { " + std::string{saddr_of(family)} + " }";
}

std::string in_set(const std::string& set, Family family) {
    return " " + std::string{saddr_of(family)} + " @" + set;
}

std::string at_step(const KnockStep& step) {
    return "\t\t" + std::string{name_of(step.transport)} + " dport " + std::to_string(step.port);
}

// What the right last knock does, once the sender is known to have made the others.
std::string conclusion(const KnockChain& chain, Family family) {
    const auto& name = chain.gate.name;
    std::string text;
    if (chain.opens) {
        text = " update @" + set_name(name, relay::word_of(Pass::Knocked), family) + " { " +
               std::string{saddr_of(family)} + " timeout " +
               duration_text(chain.gate.settings.open_for) + " } counter name \"" +
               thing_name(name, "knocked") + "\"";
    } else {
        for (const Pass pass : {Pass::Knocked, Pass::Operator}) {
            text += changing("delete", set_name(name, relay::word_of(pass), family), family);
        }
    }
    if (chain.tell == TellKnocks::Yes) {
        text += " log prefix \"" + log_prefix({name, chain.opens}) + "\" group " +
                std::to_string(gates_log_group);
    }
    return text + " return\n";
}

void add_sets(const KnockChain& chain, Family family, std::string& table) {
    const auto within = duration_text(chain.gate.settings.within);
    const auto add = [&](const std::string& name, const std::string& timeout) {
        table += "\tset " + name + " { type " + (family == Family::V4 ? "ipv4_addr" : "ipv6_addr") +
                 "; flags dynamic,timeout; timeout " + timeout + "; size 65535; }\n";
    };
    add(tries_set(chain, family), "2m");
    if (chain.sequence.size() > 1) add(began_set(chain, family), within);
    for (std::size_t i = 1; i < chain.sequence.size(); ++i) {
        add(stage_set(chain, i, family), within);
    }
}

// Last stage first, so that one packet never goes through two.
void add_rules(const KnockChain& chain, Family family, std::string& table) {
    const auto& sequence = chain.sequence;
    const std::size_t last = sequence.size();
    const auto began = began_set(chain, family);
    table += "\tchain " + chain_of(chain, family) + " {\n";
    // Whoever knocks at random would be right at last.
    table += "\t\tupdate @" + tries_set(chain, family) + " { " + std::string{saddr_of(family)} +
             " limit rate over " + std::to_string(tries_a_minute) + "/minute burst " +
             std::to_string(tries_at_once) + " packets } return\n";
    for (std::size_t stage = last; stage > 1; --stage) {
        const auto former = stage_set(chain, stage - 1, family);
        table += at_step(sequence[stage - 1]) + in_set(former, family) + in_set(began, family) +
                 changing("delete", former, family);
        table += stage == last
                     ? conclusion(chain, family)
                     : changing("update", stage_set(chain, stage, family), family) + " return\n";
    }
    // A packet that was sent twice is no wrong knock.
    for (std::size_t stage = last - 1; stage > 1; --stage) {
        table += at_step(sequence[stage - 1]) + in_set(stage_set(chain, stage, family), family) +
                 " return\n";
    }
    // Anything else is: from the beginning.
    for (std::size_t stage = 1; stage < last; ++stage) {
        table += "\t\tdelete @" + stage_set(chain, stage, family) + " { " +
                 std::string{saddr_of(family)} + " }\n";
    }
    if (last == 1) {
        table += at_step(sequence[0]) + conclusion(chain, family);
    } else {
        table += at_step(sequence[0]) + changing("delete", began, family) +
                 changing("add", began, family) +
                 changing("add", stage_set(chain, 1, family), family) + " return\n";
    }
    table += "\t}\n";
}

// The ports of the sequence and those round them, without the gate's own, as nft writes a set.
std::string ports_of(const KnockChain& chain, Transport transport) {
    std::set<std::uint16_t> ports;
    for (const auto& step : chain.sequence) {
        const unsigned first = step.port > decoy_ports ? step.port - decoy_ports : 1U;
        const unsigned last = std::min(step.port + decoy_ports, 65535U);
        for (unsigned port = first; port <= last; ++port) {
            ports.insert(static_cast<std::uint16_t>(port));
        }
    }
    for (const auto& place : chain.gate.places) {
        if (place.ports.transport != transport) continue;
        std::erase_if(ports, [&](auto port) { return place.ports.ports.contains(port); });
    }
    std::string text;
    for (auto at = ports.begin(); at != ports.end();) {
        const unsigned first = *at;
        unsigned last = first;
        while (++at != ports.end() && *at == last + 1) last = *at;
        text += (text.empty() ? "" : ", ") + std::to_string(first);
        if (last > first) text += "-" + std::to_string(last);
    }
    return text;
}

bool uses(const KnockChain& chain, Transport transport) {
    return std::ranges::any_of(chain.sequence,
                               [&](const KnockStep& step) { return step.transport == transport; });
}

}  // namespace

void add_chains(const KnockChain& chain, std::string& table) {
    for (const Family family : {Family::V4, Family::V6}) {
        add_sets(chain, family, table);
        add_rules(chain, family, table);
    }
}

void add_jumps(const KnockChain& chain, std::string& input) {
    for (const Transport transport : {Transport::Tcp, Transport::Udp}) {
        if (!uses(chain, transport)) continue;
        const std::string only_new =
            transport == Transport::Tcp ? "tcp flags & (fin|syn|rst|ack) == syn " : "";
        for (const Family family : {Family::V4, Family::V6}) {
            input += "\t\tmeta nfproto " + std::string{family == Family::V4 ? "ipv4 " : "ipv6 "} +
                     only_new + std::string{name_of(transport)} + " dport { " +
                     ports_of(chain, transport) + " } jump " + chain_of(chain, family) + "\n";
        }
    }
}

}  // namespace relay
