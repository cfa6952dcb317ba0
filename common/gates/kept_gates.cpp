#include "common/gates/kept_gates.h"

#include "common/base/text.h"

namespace relay {

namespace {

// One word and the rest of a line.
struct Entry {
    std::string_view word;
    std::string_view rest;
};

Entry entry_of(std::string_view line) {
    const auto space = std::min(line.find(' '), line.size());
    return {line.substr(0, space), trim(line.substr(space))};
}

template <typename T, typename Parsed>
bool take(Parsed parsed, T& into) {
    if (parsed) into = *std::move(parsed);
    return static_cast<bool>(parsed);
}

template <typename T, typename Parsed>
bool add(Parsed parsed, std::vector<T>& into) {
    if (parsed) into.push_back(*std::move(parsed));
    return static_cast<bool>(parsed);
}

Result<GatedPlace> parse_place(std::string_view text) {
    const auto words = split(text, ' ');
    const auto ports = parse_gate_ports(words[0]);
    if (!ports) return ports.error();
    if (words.size() == 1) return GatedPlace{"", *ports};
    const auto address = parse_ip_address(words[1]);
    if (!address) return address.error();
    return GatedPlace{std::string{words[1]}, *ports};
}

bool read_entry(const Entry& entry, Gate& gate) {
    const auto& [word, rest] = entry;
    GateSettings& settings = gate.settings;
    if (word == "place") return add(parse_place(rest), gate.places);
    if (word == "always") return add(parse_cidr(rest), settings.always);
    if (word == "open-for") return take(parse_duration(rest), settings.open_for);
    if (word == "within") return take(parse_duration(rest), settings.within);
    if (word == "knock") return add(parse_knock_step(rest), settings.sequence);
    if (word == "knock-to-close") return add(parse_knock_step(rest), settings.close_sequence);
    if (word == "visitor") return settings.visitors.emplace_back(rest), true;
    if (word == "start-command") return settings.start_command.emplace_back(rest), true;
    if (word == "stop-command") return settings.stop_command.emplace_back(rest), true;
    if (word == "allow-ascending") return settings.allow_ascending = true;
    if (word == "closed") {
        settings.closed = rest == "drop" ? WhenClosed::Drop : WhenClosed::Reject;
        return rest == name_of(settings.closed);
    }
    if (word != "key") return false;
    const auto key = parse_public_key_line(rest);
    if (key) settings.keys.push_back(key->key);
    return static_cast<bool>(key);
}

}  // namespace

std::string kept_text(const std::vector<Gate>& gates) {
    std::string text;
    const auto line = [&](std::string_view word, const std::string& rest) {
        text += std::string{word} + (rest.empty() ? "" : " " + rest) + "\n";
    };
    for (const auto& [name, settings, places, claimed] : gates) {
        line("gate", name);
        line("closed", std::string{name_of(settings.closed)});
        line("open-for", duration_text(settings.open_for));
        line("within", duration_text(settings.within));
        if (settings.allow_ascending) line("allow-ascending", "");
        for (const auto& place : places) {
            line("place",
                 to_text(place.ports) + (place.address.empty() ? "" : " ") + place.address);
        }
        for (const auto& network : settings.always) line("always", to_text(network));
        for (const auto& step : settings.sequence) line("knock", to_text(step));
        for (const auto& step : settings.close_sequence) line("knock-to-close", to_text(step));
        for (const auto& key : settings.keys) {
            line("key", std::string{trim(public_key_line(key, ""))});
        }
        for (const auto& visitor : settings.visitors) line("visitor", visitor);
        for (const auto& each : settings.start_command) line("start-command", each);
        for (const auto& each : settings.stop_command) line("stop-command", each);
    }
    return text;
}

Result<std::vector<Gate>> parse_kept(std::string_view text) {
    std::vector<Gate> gates;
    for (const auto line : split(text, '\n')) {
        if (line.empty()) continue;
        const auto entry = entry_of(line);
        const Error wrong{ErrorCode::Malformed, "\"" + std::string{line.substr(0, 64)} + "\""};
        if (entry.word == "gate") {
            const auto name = parse_gate_name(entry.rest);
            if (!name) return wrong;
            gates.push_back({*name, {}, {}, {}});
        } else if (gates.empty() || !read_entry(entry, gates.back())) {
            return wrong;
        }
    }
    return gates;
}

}  // namespace relay
