// Who is behind a connection that the relay makes to its own listeners, by the address that the
// connection comes from.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/crypto/ed25519.h"

namespace relay {

class VisitorNames {
public:
    struct Known {
        std::string name;
        // Whose key seals what passes, if it is sealed end to end.
        std::optional<PublicKey> sealed_for = {};
    };

    void add(const std::string& address, Known known) { known_[address] = std::move(known); }
    void remove(const std::string& address) { known_.erase(address); }
    // The address itself, if it is nobody's whom we know.
    const std::string& shown(const std::string& address) const {
        const auto found = known_.find(address);
        return found == known_.end() ? address : found->second.name;
    }
    std::optional<PublicKey> sealed_for(const std::string& address) const {
        const auto found = known_.find(address);
        return found == known_.end() ? std::nullopt : found->second.sealed_for;
    }

private:
    std::map<std::string, Known> known_;
};

}  // namespace relay
