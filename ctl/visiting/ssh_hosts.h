// Blocks for a visitor's ssh_config(5), one for each SSH server behind a relay.
#pragma once

#include <string>
#include <vector>

#include "common/control/snapshot.h"
#include "ctl/visiting/gateway.h"

namespace relay {

struct SshHost {
    std::string name;  // What the visitor types.
    std::string host_name;
    std::uint16_t port = 0;
    // Under which the server's key is remembered: the same for all ways to one server, and another
    // for each server, though they all are ports of one address.
    std::string key_alias;
    std::string jump;  // Empty: the listener is open to visitors.
};

// Of the forwards whose probe is ssh, in their order. The first one to a home itself bears the
// home's name, further ones add the target.
std::vector<SshHost> ssh_hosts(const std::vector<ForwardSnapshot>& forwards,
                               const Gateway& gateway);

// `user`: at the homes; empty: a line in comments.
std::string ssh_config_text(const std::vector<SshHost>& hosts, const std::string& user);
std::string ssh_hosts_json(const std::vector<SshHost>& hosts, const std::string& user);

}  // namespace relay
