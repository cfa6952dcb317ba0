// Diffie-Hellman over Curve25519 (RFC 7748), computed by libcrypto.
#pragma once

#include <array>
#include <optional>

#include "common/crypto/secret.h"

namespace relay {

using X25519Public = std::array<std::uint8_t, 32>;
using X25519Secret = SecretArray<32>;  // Any 32 bytes of chance.

X25519Public x25519_public_of(const X25519Secret& own);

// Nothing if `peer` is one of the points by which the secret would be zero, whoever takes part.
std::optional<SecretArray<32>> x25519_shared(const X25519Secret& own, const X25519Public& peer);

}  // namespace relay
