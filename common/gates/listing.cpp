// Reads what `nft list table` writes.
#include <optional>

#include "common/base/text.h"
#include "common/gates/ruleset.h"

namespace relay {

namespace {

// "gate-ssh.open-4" in its parts.
struct Thing {
    std::string gate;
    std::string what;
};

std::optional<Thing> thing_of(std::string_view name) {
    constexpr std::string_view begin = "gate-";
    const auto dot = name.find('.');
    if (!name.starts_with(begin) || dot == name.npos) return {};
    auto gate = parse_gate_name(name.substr(begin.size(), dot - begin.size()));
    if (!gate) return {};
    return Thing{*std::move(gate), std::string{name.substr(dot + 1)}};
}

std::optional<Pass> pass_of(std::string_view what) {
    if (what == "open-4" || what == "open-6") return Pass::Knocked;
    if (what == "held-4" || what == "held-6") return Pass::Operator;
    return {};
}

// Of a set without timeouts nothing "expires".
std::optional<OpenFor> read_element(std::string_view text, Pass pass) {
    const auto words = split(trim(text), ' ');
    const auto address = parse_ip_address(words[0]);
    if (!address) return {};
    for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
        if (words[i] != "expires") continue;
        const auto left = parse_duration(words[i + 1]);
        if (left) return OpenFor{*address, pass, *left};
    }
    return {};
}

void read_set(std::string_view body, Pass pass, std::vector<OpenFor>& into) {
    constexpr std::string_view begin = "elements = {";
    const auto at = body.find(begin);
    if (at == body.npos) return;
    auto elements = body.substr(at + begin.size());
    elements = elements.substr(0, elements.find('}'));
    for (const auto text : split(elements, ',')) {
        if (const auto whom = read_element(text, pass)) into.push_back(*whom);
    }
}

void read_counter(std::string_view body, std::string_view what, GateCounters& into) {
    constexpr std::string_view begin = "packets ";
    const auto at = body.find(begin);
    if (at == body.npos) return;
    auto digits = body.substr(at + begin.size());
    digits = digits.substr(0, digits.find_first_not_of("0123456789"));
    const auto number = parse_number(digits, UINT64_MAX);
    if (!number) return;
    if (what == "passed") into.passed = *number;
    if (what == "refused") into.refused = *number;
    if (what == "knocked") into.knocked = *number;
}

// From the brace at the beginning to its counterpart; sets hold one more pair.
std::string_view braced(std::string_view text) {
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '{') ++depth;
        if (text[i] == '}' && --depth == 0) return text.substr(1, i - 1);
    }
    return {};
}

}  // namespace

GateStates states_in(std::string_view listing) {
    GateStates states;
    for (;;) {
        const auto end = listing.find('\n');
        const auto words = split(trim(listing.substr(0, end)), ' ');
        const bool is_block =
            words.size() == 3 && words[2] == "{" && (words[0] == "set" || words[0] == "counter");
        const auto thing = is_block ? thing_of(words[1]) : std::nullopt;
        if (thing) {
            auto& state = states[thing->gate];
            const auto body = braced(listing.substr(listing.find('{')));
            const auto pass = pass_of(thing->what);
            if (words[0] == "set" && pass) read_set(body, *pass, state.open);
            if (words[0] == "counter") read_counter(body, thing->what, state.counters);
        }
        if (end == listing.npos) return states;
        listing.remove_prefix(end + 1);
    }
}

}  // namespace relay
