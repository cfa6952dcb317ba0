// Who is behind a connection that the relay makes to its own listeners, by the address that the
// connection comes from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/crypto/ed25519.h"

namespace relay {

// That a visitor is the client's end of an FTP connection (docs/FTP.md).
struct FtpVisit {
    enum class Kind {
        Control,
        Data,
        Forgotten,  // One of both: it came before this process.
    };
    Kind kind = Kind::Control;
    // Of a data connection: where its control connection comes from, and the server's port.
    std::string control = {};
    std::uint16_t port = 0;
};

class VisitorNames {
public:
    struct Known {
        std::string name;
        // Whose key seals what passes, if it is sealed end to end.
        std::optional<PublicKey> sealed_for = {};
        std::optional<FtpVisit> ftp = {};
    };

    void add(const std::string& address, Known known) { known_[address] = std::move(known); }
    void remove(const std::string& address) { known_.erase(address); }
    // The address itself, if it is nobody's whom we know.
    const std::string& shown(const std::string& address) const {
        const auto found = known_.find(address);
        return found == known_.end() ? address : found->second.name;
    }
    // Null: it is nobody's whom we know.
    const Known* find(const std::string& address) const {
        const auto found = known_.find(address);
        return found == known_.end() ? nullptr : &found->second;
    }
    std::optional<PublicKey> sealed_for(const std::string& address) const {
        const auto found = known_.find(address);
        return found == known_.end() ? std::nullopt : found->second.sealed_for;
    }

private:
    std::map<std::string, Known> known_;
};

}  // namespace relay
