#include "ctl/stale/wanted.h"

#include "common/base/host_port.h"
#include "common/control/json.h"
#include "ctl/client.h"

namespace relay {
namespace {

std::optional<SocketAddress> address_in(const std::string& listen) {
    const auto place = parse_host_port(listen);
    if (!place) return {};
    const auto ip = parse_ip_address(place->host == "localhost" ? "127.0.0.1" : place->host);
    if (!ip) return {};
    return SocketAddress{*ip, place->port};
}

// However many replies it takes.
template <typename List, typename Each>
Asked<Done> for_each(Client& client, const std::string& method, Each each) {
    ListPart part;
    do {
        const auto answer = client.ask(method, to_json(part));
        if (!answer) return answer.error();
        const auto list = from_json<List>(*answer);
        if (!list) return ClientFault{ClientFault::Kind::Refused, list.error().text};
        const auto& [entries, left_off, next] = *list;
        for (const auto& entry : entries) each(entry);
        part.after = next;
    } while (!part.after.empty());
    return Done{};
}

void add_forward(WantedPorts& wanted, const ForwardSnapshot& forward) {
    const auto at = address_in(forward.listen);
    if (!at || forward.listening || !forward.denied.empty()) return;
    wanted.ports.push_back({*at, "forward of " + forward.home,
                            probe_kind_of(forward.probe_kind).value_or(ProbeKind::Auto)});
}

void add_watched(WantedPorts& wanted, const SessionSnapshot& session) {
    if (session.carriers.empty() || session.carriers.front().kind != "ssh") return;
    for (const auto& forward : session.forwards) {
        const auto at = address_in(forward.listen);
        if (!at) continue;
        const auto kind = forward.probe ? probe_kind_of(forward.probe->kind) : std::nullopt;
        wanted.ports.push_back(
            {*at, "watched for " + session.home, kind.value_or(ProbeKind::Auto), forward.probe});
    }
}

Asked<Done> ask_control(const std::string& control, WantedPorts& wanted) {
    auto client = Client::connect(control);
    if (!client) return client.error();
    // A home has no forwards: unsupported, and then there is nothing to want.
    (void)for_each<ForwardList>(*client, "forwards.list", [&](const ForwardSnapshot& forward) {
        add_forward(wanted, forward);
    });
    return for_each<SessionList>(*client, "sessions.list", [&](const SessionSnapshot& session) {
        add_watched(wanted, session);
    });
}

}  // namespace

WantedPorts wanted_ports(const std::string& control) {
    WantedPorts wanted;
    const auto asked = ask_control(control, wanted);
    if (asked) return wanted;
    wanted.note = asked.error().text + "; what its forwards want is not known";
    // Of one's own ports every user may know.
    if (auto client = Client::connect(watch_socket_of(control))) {
        (void)for_each<SessionList>(*client, "watch.list", [&](const SessionSnapshot& session) {
            add_watched(wanted, session);
        });
    }
    return wanted;
}

}  // namespace relay
