#include "common/settings/sections.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

Result<WhenClosed> parse_when_closed(std::string_view text) {
    if (text == "reject") return WhenClosed::Reject;
    if (text == "drop") return WhenClosed::Drop;
    return Error{ErrorCode::Malformed, "'" + std::string{text} +
                                           "' is not what a closed gate may do: allowed are "
                                           "reject, drop"};
}

GateSettings read_gate(const Node& node, const std::string& path, Source& source) {
    GateSettings gate;
    MapReader reader{node, path, source};
    reader.scalars("ports", max_gate_ports, gate.ports, parse_gate_ports);
    reader.scalars("always", max_gate_always, gate.always, parse_cidr);
    reader.scalar("closed", gate.closed, parse_when_closed);
    reader.duration("open-for", gate.open_for, {.least = 1s, .most = 24h * 30});
    reader.scalars("sequence", max_knock_steps, gate.sequence, parse_knock_step);
    reader.scalars("close-sequence", max_knock_steps, gate.close_sequence, parse_knock_step);
    reader.duration("within", gate.within, {.least = 1s, .most = 10min});
    reader.scalar("allow-ascending", gate.allow_ascending,
                  [](std::string_view text) -> Result<bool> {
                      if (text == "true" || text == "false") return text == "true";
                      return parse_switch(text);
                  });
    reader.scalars("keys", max_accepted_visitors, gate.keys, parse_visitor_key);
    reader.scalars("visitors", max_accepted_visitors, gate.visitors, parse_text);
    reader.scalars("start-command", max_hook_words, gate.start_command, parse_text);
    reader.scalars("stop-command", max_hook_words, gate.stop_command, parse_text);
    reader.refuse_others();
    return gate;
}

// "62201": of every address.
std::vector<HostPort> parse_knock(std::string_view text, std::string& fault) {
    if (const auto port = parse_port(text)) return {{"0.0.0.0", *port}, {"::", *port}};
    const auto at = parse_host_port(text);
    if (at && parse_ip_address(at->host)) return {*at};
    fault = "'" + std::string{text} + "' is no place to hear knocks: write 62201 or ADDRESS:PORT";
    return {};
}

}  // namespace

void read_knock(MapReader& reader, Source& source, std::vector<HostPort>& into) {
    reader.list("knock", max_endpoints, [&](const Node& node, const std::string&) {
        if (!is_scalar(node, "knock", source)) return;
        std::string fault;
        const auto places = parse_knock(node.scalar, fault);
        if (places.empty()) return source.wrong(node, "knock: " + fault);
        into.insert(into.end(), places.begin(), places.end());
    });
}

void read_gates(const Node& node, Source& source, std::map<std::string, GateSettings>& into) {
    const MapReader reader{node, "gates", source};
    if (node.entries.size() > max_gates) {
        return source.wrong(node, "more than " + std::to_string(max_gates) + " gates");
    }
    for (const auto& [name, at, value] : node.entries) {
        const auto path = reader.path_of(name);
        source.remember(path, at);
        if (const auto good = parse_gate_name(name); !good) source.wrong(at, good.error().text);
        into.emplace(name, read_gate(value, path, source));
    }
}

}  // namespace relay
