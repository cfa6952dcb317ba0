// What a process signs with: a key it holds itself, or one that ssh-agent holds for it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "common/base/result.h"
#include "common/crypto/ed25519.h"

namespace relay {

class Identity {
public:
    explicit Identity(PrivateKey key) : public_key_(key.public_key()), key_(std::move(key)) {}
    Identity(const PublicKey& key, std::string agent_socket)
        : public_key_(key), agent_socket_(std::move(agent_socket)) {}

    const PublicKey& public_key() const { return public_key_; }

    // Null if the key lies in ssh-agent. Borrowed from this.
    const PrivateKey* private_key() const { return key_ ? &*key_ : nullptr; }

    // Blocks for up to five seconds if the key lies in ssh-agent.
    Result<Signature> sign(Bytes message) const;

private:
    PublicKey public_key_;
    std::optional<PrivateKey> key_;
    std::string agent_socket_;
};

// Reads a private key file. If a passphrase protects it, `agent_socket` (the value of
// SSH_AUTH_SOCK, or nothing) is asked whether it holds that key. Blocking.
Result<Identity> load_identity(const std::string& path, const std::string& agent_socket);

}  // namespace relay
