#include "ctl/visiting/gateway.h"

#include <fmt/format.h>

#include "common/base/host_port.h"
#include "common/base/ip_address.h"
#include "common/protocols/probe_script.h"

namespace relay {

Gateway gateway_of(std::string_view text) {
    const auto at = text.rfind('@');
    const auto place = at == text.npos ? text : text.substr(at + 1);
    const auto with_port = parse_host_port(place);
    if (!with_port) return {std::string{place}, std::string{text}, std::string{text}};
    const auto user = std::string{text.substr(0, text.size() - place.size())};
    return {with_port->host, std::string{text},
            fmt::format("-p {} {}{}", with_port->port, user, with_port->host)};
}

bool is_loopback_listener(std::string_view listen) {
    const auto address = parse_host_port(listen);
    if (!address) return true;
    const auto ip = parse_ip_address(address->host);
    return ip && ip->is_loopback();
}

std::string_view probe_of(const ForwardSnapshot& forward) {
    const auto target = parse_host_port(forward.target);
    if (forward.probe_kind != "auto" || !target) return forward.probe_kind;
    return probe_kind_name(kind_for_port(target->port));
}

}  // namespace relay
