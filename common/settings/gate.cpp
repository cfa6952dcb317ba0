#include "common/settings/gate.h"

#include <algorithm>

#include "common/settings/settings.h"

namespace relay {

namespace {

struct TextAndTransport {
    std::string_view text;
    Transport transport;
};

Result<TextAndTransport> split_transport(std::string_view text, std::string_view separators) {
    const auto at = text.find_first_of(separators);
    if (at == text.npos) return TextAndTransport{text, Transport::Tcp};
    const auto word = text.substr(at + 1);
    if (word == "tcp") return TextAndTransport{text.substr(0, at), Transport::Tcp};
    if (word == "udp") return TextAndTransport{text.substr(0, at), Transport::Udp};
    return Error{ErrorCode::Malformed,
                 "'" + std::string{word} + "' is no transport: allowed are tcp, udp"};
}

void add_place(std::vector<Gate>& gates, const std::string& name, GatedPlace place) {
    for (Gate& gate : gates) {
        if (gate.name == name) return gate.places.push_back(std::move(place));
    }
}

bool is_any(std::string_view address) {
    return address == "0.0.0.0" || address == "::";
}

GatedPlace place_of(const std::string& host, std::uint16_t port) {
    return {is_any(host) ? "" : host, {{port, port}, Transport::Tcp}};
}

}  // namespace

std::string_view name_of(Transport transport) {
    return transport == Transport::Tcp ? "tcp" : "udp";
}

std::string_view name_of(WhenClosed what) {
    return what == WhenClosed::Reject ? "reject" : "drop";
}

bool overlap(const GatedPlace& a, const GatedPlace& b) {
    if (a.ports.transport != b.ports.transport) return false;
    if (!a.address.empty() && !b.address.empty() && a.address != b.address) return false;
    return a.ports.ports.first <= b.ports.ports.last && b.ports.ports.first <= a.ports.ports.last;
}

std::vector<Gate> gates_of(const Settings& settings) {
    std::vector<Gate> gates;
    for (const auto& [name, gate] : settings.gates) {
        gates.push_back({name, gate, {}});
        for (const auto& ports : gate.ports) gates.back().places.push_back({"", ports});
    }
    if (!settings.relay) return gates;
    for (std::size_t i = 0; i < settings.relay->listen_gates.size(); ++i) {
        const auto& endpoint = settings.relay->listen[i];
        const auto& gate = settings.relay->listen_gates[i];
        if (!gate.empty()) add_place(gates, gate, place_of(endpoint.host, endpoint.port));
    }
    for (const auto& [name, home] : settings.relay->homes) {
        for (const auto& forward : home.forwards) {
            if (forward.gate.empty()) continue;
            add_place(gates, forward.gate, place_of(forward.listen.host, forward.listen.port));
        }
    }
    return gates;
}

Result<std::uint16_t> parse_knock_port(std::string_view text) {
    if (text == "yes" || text == "true") return usual_knock_port;
    if (text == "no" || text == "false") return std::uint16_t{0};
    if (const auto port = parse_port(text)) return *port;
    return Error{ErrorCode::Malformed, "'" + std::string{text} +
                                           "' is no port to knock at: write yes, no, or the port "
                                           "of UDP that the relay's settings have as knock"};
}

Result<std::string> parse_gate_name(std::string_view text) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto is_part = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; };
    const bool is_name = !text.empty() && text.size() <= max_gate_name_size &&
                         is_letter(text.front()) && std::ranges::all_of(text, is_part);
    if (is_name) return std::string{text};
    return Error{ErrorCode::Malformed,
                 "'" + std::string{text.substr(0, 64)} +
                     "' is no name of a gate: up to 32 letters, digits and dashes, and a letter "
                     "first"};
}

Result<GatePorts> parse_gate_ports(std::string_view text) {
    const auto parts = split_transport(text, "/");
    if (!parts) return parts.error();
    const auto ports = parse_port_range(parts->text);
    if (!ports) return ports.error();
    return GatePorts{*ports, parts->transport};
}

std::string to_text(const GatePorts& ports) {
    return to_text(ports.ports) + "/" + std::string{name_of(ports.transport)};
}

Result<KnockStep> parse_knock_step(std::string_view text) {
    const auto parts = split_transport(text, "/:");
    if (!parts) return parts.error();
    const auto port = parse_port(parts->text);
    if (!port) return port.error();
    return KnockStep{*port, parts->transport};
}

std::string to_text(const KnockStep& step) {
    return std::to_string(step.port) + "/" + std::string{name_of(step.transport)};
}

std::string to_text(const std::vector<KnockStep>& sequence) {
    std::string text;
    for (const auto& step : sequence) text += (text.empty() ? "" : ", ") + to_text(step);
    return text;
}

bool is_monotone(const std::vector<KnockStep>& sequence) {
    return std::ranges::is_sorted(sequence, std::ranges::less{}, &KnockStep::port) ||
           std::ranges::is_sorted(sequence, std::ranges::greater{}, &KnockStep::port);
}

std::vector<KnockStep> reordered(std::vector<KnockStep> sequence) {
    for (std::size_t i = 0; i + 1 < sequence.size(); ++i) {
        std::swap(sequence[i], sequence[i + 1]);
        if (!is_monotone(sequence)) return sequence;
        std::swap(sequence[i], sequence[i + 1]);
    }
    return {};
}

}  // namespace relay
