// HKDF with SHA-256 (RFC 5869), for keys of 32 bytes.
#pragma once

#include <string_view>

#include "common/crypto/secret.h"

namespace relay {

using Key256 = SecretArray<32>;

Key256 hkdf_extract(Bytes salt, Bytes secret);
// `label` and `context` one after the other are what RFC 5869 calls info.
Key256 hkdf_expand(Bytes key, std::string_view label, Bytes context = {});

}  // namespace relay
