// Who may connect, as lines of OpenSSH's authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT):
//     [from="PATTERN,…"] ssh-ed25519 AAAA… [comment]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/ssh_public_key.h"

namespace relay {

inline constexpr std::size_t max_from_patterns = 64;
inline constexpr std::size_t max_authorized_keys = 4096;

struct AuthorizedKey {
    PublicKey key;
    std::string comment;
    std::vector<std::string> from;  // Addresses, CIDR networks or patterns; empty: from anywhere.
};

// Nothing for a blank line or a comment. An option other than `from` is an error and never
// ignored, because options restrict.
Result<std::optional<AuthorizedKey>, TextError> parse_authorized_key(std::string_view line);

struct LineError {
    std::size_t line;  // From 1.
    TextError error;
};

// A whole file: the keys that could be read, and all that is wrong with the other lines.
struct AuthorizedKeys {
    std::vector<AuthorizedKey> keys;
    std::vector<LineError> errors;
};

AuthorizedKeys parse_authorized_keys(std::string_view text);

}  // namespace relay
