// What a relay's operator hands to a home's operator, so that the home may register its key: as a
// token, one word that no shell touches (docs/PROTOCOL.md 3.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/host_port.h"
#include "common/base/result.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/fingerprint.h"
#include "common/crypto/secret.h"

namespace relay {

inline constexpr std::size_t max_token_size = 8192;
inline constexpr std::size_t max_invited_targets = 16;

using InvitationSecret = SecretArray<16>;

struct Invitation {
    Fingerprint relay;  // Whom to trust.
    InvitationSecret secret;
    std::int64_t expires_unix_s = 0;
    std::string home;                    // How the relay will call it.
    std::vector<HostPortRange> targets;  // What its forwards will ask the home to dial.
};

// What proves the invitation; the relay knows its public half only.
PrivateKey invitation_key(const InvitationSecret& secret);

// TooLarge beyond the limits above.
Result<std::string> token_of(const Invitation& invitation);

// Malformed if characters were lost or changed on the way; Unsupported if a later relayd made it.
Result<Invitation> parse_token(std::string_view token);

}  // namespace relay
