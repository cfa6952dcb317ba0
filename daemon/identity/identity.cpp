#include "daemon/identity/identity.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/fingerprint.h"
#include "daemon/identity/agent_signer.h"
#include "daemon/identity/identity_store.h"

namespace relay {

Result<Signature> Identity::sign(Bytes message) const {
    if (key_) return key_->sign(message);
    return agent_sign(agent_socket_, public_key_, message);
}

Result<Identity> load_identity(const std::string& path, const std::string& agent_socket) {
    auto loaded = load_private_key(path);
    if (loaded) return Identity{std::move(loaded->key)};
    if (loaded.error().code != ErrorCode::Unsupported || agent_socket.empty()) {
        return loaded.error();
    }

    const auto key = load_public_half(path);
    if (!key) return key.error();
    const auto held = agent_identities(agent_socket);
    if (!held) return Error{held.error().code, path + ": " + held.error().text};
    if (std::ranges::find(held->usable, *key, &AgentIdentity::key) == held->usable.end()) {
        return Error{ErrorCode::NotFound,
                     fmt::format("{}: the key is protected by a passphrase, and ssh-agent does not "
                                 "hold {}; run: ssh-add {}",
                                 path, to_text(fingerprint_of(*key)), path)};
    }
    return Identity{*key, agent_socket};
}

}  // namespace relay
