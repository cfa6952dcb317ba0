// Forwards, as the relay and its homes say them, and as visitors do.
#include "common/settings/forward.h"
#include "common/settings/sections.h"

namespace relay {

namespace {

using namespace std::chrono_literals;
using Zero = MapReader::Range::Zero;

Result<ProbeKind> parse_probe(std::string_view text) {
    if (const auto kind = probe_kind_of(text)) return *kind;
    std::string allowed;
    for (const auto& [kind, name] : probe_kind_names) {
        allowed += (allowed.empty() ? "" : ", ") + std::string{name};
    }
    return Error{ErrorCode::Malformed,
                 "'" + std::string{text} + "' is no probe: allowed are " + allowed};
}

// mode: and group:, of a listener that has a file.
SocketFile read_file(MapReader& reader, std::string_view listen, Source& source) {
    SocketFile file;
    for (const std::string_view key : {"mode", "group"}) {
        const Node* node = reader.find(key);
        if (node == nullptr || listen.starts_with("unix:")) continue;
        source.wrong(*node, std::string{key} + ": only a unix socket has one");
    }
    reader.scalar("mode", file.mode, parse_mode);
    reader.scalar("group", file.group, parse_group);
    return file;
}

// { listen: …, to: …, probe: …, grace: …, guard: …, proxy-protocol: …, mode: …, group: …,
//   protocol: …, data-ports: …, ftp-tls: …, gate: … }
void read_forward_map(const ForwardPlace& place, Source& source, ForwardOwner owner,
                      std::vector<ForwardSettings>& into) {
    MapReader reader{place.node, place.path, source};
    std::string listen;
    std::string to;
    ForwardSettings options;
    const bool has_listen = reader.require("listen", "127.0.0.1:3389") != nullptr;
    reader.scalar("listen", listen, parse_text);
    reader.scalar("to", to, parse_text);
    reader.scalar("probe", options.probe, parse_probe);
    reader.duration("grace", options.grace, {.least = 1s, .most = 24h, .zero = Zero::Allowed});
    // Whom a relay refuses is its own business.
    if (owner == ForwardOwner::Relay) {
        reader.scalar("guard", options.guard,
                      [](std::string_view text) -> Result<std::optional<bool>> {
                          const auto value = parse_switch(text);
                          if (!value) return value.error();
                          return std::optional{*value};
                      });
    }
    reader.scalar("proxy-protocol", options.proxy_protocol, parse_switch);
    FtpTexts ftp;
    if (owner == ForwardOwner::Relay) {
        options.file = read_file(reader, listen, source);
        reader.scalar("gate", options.gate, parse_gate_name);
    }
    reader.scalar("protocol", ftp.protocol, parse_text);
    reader.scalar("data-ports", ftp.data_ports, parse_text);
    reader.scalar("ftp-tls", ftp.tls, parse_text);
    reader.refuse_others();
    if (!has_listen || listen.empty()) return;
    const auto forwards = parse_forward(listen, to);
    if (!forwards) return source.wrong(place.node, "forward: " + forwards.error().text);
    const auto parsed = parse_ftp(ftp, forwards->front());
    if (!parsed) return source.wrong(place.node, "forward: " + parsed.error().text);
    for (auto forward : *forwards) {
        forward.ftp = *parsed;
        forward.probe = options.probe;
        forward.grace = options.grace;
        forward.guard = options.guard;
        forward.proxy_protocol = options.proxy_protocol;
        forward.file = options.file;
        forward.gate = options.gate;
        into.push_back(std::move(forward));
    }
}

// { to: …, listen: …, grace: …, mode: …, group: … }, and for a visitor protocol: … and ftp-tls: …;
// or what stands for `to` alone.
struct VisitForward {
    std::string to;
    std::string listen;
    Duration grace = ForwardSettings{}.grace;
    SocketFile file = {};
    FtpTexts ftp = {};
};

VisitForward read_parts(const ForwardPlace& place, const OwnListeners& where, Source& source) {
    VisitForward parts;
    if (place.node.kind != Node::Kind::Map) {
        if (is_scalar(place.node, where.key, source)) parts.to = place.node.scalar;
        return parts;
    }
    MapReader reader{place.node, place.path, source};
    reader.require("to", "work-pc:3389");
    reader.scalar("to", parts.to, parse_text);
    reader.scalar("listen", parts.listen, parse_text);
    reader.duration("grace", parts.grace, {.least = 1s, .most = 24h, .zero = Zero::Allowed});
    parts.file = read_file(reader, parts.listen, source);
    if (where.may_speak_ftp) {
        reader.scalar("protocol", parts.ftp.protocol, parse_text);
        reader.scalar("ftp-tls", parts.ftp.tls, parse_text);
    }
    reader.refuse_others();
    return parts;
}

}  // namespace

void read_forward(const ForwardPlace& place, Source& source, ForwardOwner owner,
                  std::vector<ForwardSettings>& into) {
    const Node& node = place.node;
    if (node.kind == Node::Kind::Map) return read_forward_map(place, source, owner, into);
    if (!is_scalar(node, "forwards", source)) return;
    const auto forwards = parse_forward(node.scalar, {});
    if (!forwards) return source.wrong(node, "forward: " + forwards.error().text);
    into.insert(into.end(), forwards->begin(), forwards->end());
}

void read_own_listeners(MapReader& section, const OwnListeners& where, Source& source,
                        std::vector<ForwardSettings>& into) {
    const auto item = [&](const Node& node, const std::string& path) {
        const auto parts = read_parts({node, path}, where, source);
        if (parts.to.empty()) return;
        const auto forwards = parse_visit(parts.to, parts.listen);
        if (!forwards) return source.wrong(node, "forward: " + forwards.error().text);
        if (into.size() + forwards->size() > where.most) {
            return source.wrong(node, "more than " + std::to_string(where.most) + " forwards");
        }
        const auto ftp = parse_ftp(parts.ftp, forwards->front());
        if (!ftp) return source.wrong(node, "forward: " + ftp.error().text);
        for (ForwardSettings forward : *forwards) {
            forward.ftp = *ftp;
            forward.grace = parts.grace;
            forward.file = parts.file;
            source.remember(section.path_of("listeners/") + std::to_string(into.size()), node.at);
            into.push_back(std::move(forward));
        }
    };
    section.list(where.key, where.most, item);
}

}  // namespace relay
