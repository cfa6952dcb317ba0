// By which keys a home or a visitor is known to a relay, and from where it may dial in.
#pragma once

#include <string>
#include <vector>

#include "common/base/cidr.h"
#include "common/crypto/authorized_keys.h"

namespace relay {

struct PeerKeys {
    struct Part {
        std::vector<AuthorizedKey> keys;
        std::vector<Cidr> from;  // Empty: anywhere.
    };
    Part config;   // What the configuration file holds,
    Part runtime;  // and what was added at run time.

    bool has(const PublicKey& key) const;
    // With that key, from "ADDRESS:PORT".
    bool may_come_from(const PublicKey& key, const std::string& peer_address) const;

    // As operators see them.
    std::vector<std::string> fingerprints() const;
    std::vector<std::string> from() const;
};

// Where this key may come from, as far as it names networks.
std::vector<Cidr> networks_of(const AuthorizedKey& key);

// What an operator says of a key: a line as in authorized_keys, and networks with commas between.
Result<AuthorizedKey> parse_peer_key(std::string_view line, std::string_view from);

}  // namespace relay
