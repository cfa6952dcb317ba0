// One datagram that opens gates: who knocks, when, once, where, and a signature over all of it
// (docs/GATES.md, "Signed knocks").
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/ed25519.h"

namespace relay {

inline constexpr std::size_t max_knock_bytes = 256;

using KeyId = std::array<std::uint8_t, 8>;
using KnockNonce = std::array<std::uint8_t, 16>;

struct SignedKnock {
    KeyId key{};  // The beginning of the key's SHA-256.
    std::uint64_t unix_ms = 0;
    KnockNonce nonce{};
    std::string gate;  // Empty: all that this key may open.

    bool operator==(const SignedKnock&) const = default;
};

KeyId key_id_of(const PublicKey& key);

// What is signed, and what is sent.
ByteVector knock_to_sign(const SignedKnock& knock);
ByteVector knock_packet(const SignedKnock& knock, const Signature& signature);

// One that is signed by whoever `sign` signs for.
Result<ByteVector> make_knock(const SignedKnock& knock,
                              const std::function<Result<Signature>(Bytes)>& sign);

struct ReceivedKnock {
    SignedKnock knock;
    Signature signature{};
};
Result<ReceivedKnock> parse_signed_knock(Bytes packet);

}  // namespace relay
