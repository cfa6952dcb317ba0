// OpenSSH's short form of a public key: SHA256: and the unpadded base64 of the blob's hash.
#pragma once

#include <compare>
#include <string>

#include "common/base/result.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/sha256.h"

namespace relay {

struct Fingerprint {
    Sha256 hash{};
    auto operator<=>(const Fingerprint&) const = default;
};

Fingerprint fingerprint_of(const PublicKey& key);

// "SHA256:" and 43 characters, as ssh-keygen -l prints it.
std::string to_text(const Fingerprint& fingerprint);

// Padding may be there or not. Unsupported for the MD5 form.
Result<Fingerprint> parse_fingerprint(std::string_view text);

}  // namespace relay
