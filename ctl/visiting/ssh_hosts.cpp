#include "ctl/visiting/ssh_hosts.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/host_port.h"
#include "common/base/ip_address.h"

namespace relay {
namespace {

constexpr std::uint16_t ssh_port = 22;

bool is_home_itself(const HostPort& target) {
    const auto ip = parse_ip_address(target.host);
    return target.host == "localhost" || (ip && ip->is_loopback());
}

// As one word: known_hosts and ssh_config give colons, brackets and spaces a meaning.
std::string server_name(const std::string& home, const HostPort& target, char between) {
    auto name = home;
    if (!is_home_itself(target)) name += between + target.host;
    if (target.port != ssh_port) name += between + std::to_string(target.port);
    std::ranges::replace(name, ':', '.');
    return name;
}

// Where visitors find a listener that is open to them.
std::string open_host(const HostPort& listen, const Gateway& gateway) {
    return listen.host == "0.0.0.0" || listen.host == "::" ? gateway.host : listen.host;
}

}  // namespace

std::vector<SshHost> ssh_hosts(const std::vector<ForwardSnapshot>& forwards,
                               const Gateway& gateway) {
    std::vector<SshHost> hosts;
    for (const auto& forward : forwards) {
        const auto listen = parse_host_port(forward.listen);
        const auto target = parse_host_port(forward.target);
        if (!listen || !target || probe_of(forward) != "ssh") continue;
        const bool needs_jump = is_loopback_listener(forward.listen);
        SshHost host;
        host.name = server_name(forward.home, *target, '-');
        // No home's name has a plus: so no two servers have one alias.
        host.key_alias = "relayd+" + server_name(forward.home, *target, '+');
        // Another way to the same server.
        const auto has_name = [&](const SshHost& known) { return known.name == host.name; };
        if (std::ranges::any_of(hosts, has_name)) host.name += fmt::format("-by-{}", listen->port);
        host.host_name = needs_jump ? listen->host : open_host(*listen, gateway);
        host.port = listen->port;
        if (needs_jump) host.jump = gateway.jump;
        hosts.push_back(std::move(host));
    }
    return hosts;
}

std::string ssh_config_text(const std::vector<SshHost>& hosts, const std::string& user) {
    std::string text = "# SSH servers behind relayd: append to ~/.ssh/config, then: ssh NAME\n";
    for (const auto& host : hosts) {
        text += fmt::format("\nHost {}\n    HostName {}\n    Port {}\n    HostKeyAlias {}\n",
                            host.name, host.host_name, host.port, host.key_alias);
        if (!host.jump.empty()) text += fmt::format("    ProxyJump {}\n", host.jump);
        text += user.empty() ? "    #User your-name-there\n" : fmt::format("    User {}\n", user);
    }
    return text;
}

std::string ssh_hosts_json(const std::vector<SshHost>& hosts, const std::string& user) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& host : hosts) {
        nlohmann::ordered_json entry{{"host", host.name},
                                     {"hostname", host.host_name},
                                     {"port", host.port},
                                     {"hostkeyalias", host.key_alias}};
        if (!host.jump.empty()) entry["proxyjump"] = host.jump;
        if (!user.empty()) entry["user"] = user;
        list.push_back(std::move(entry));
    }
    return nlohmann::ordered_json{{"hosts", std::move(list)}}.dump(
               -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
           "\n";
}

}  // namespace relay
