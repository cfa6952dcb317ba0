// Ed25519 keys and signatures (RFC 8032, the pure variant), computed by libcrypto.
#pragma once

#include <array>
#include <compare>
#include <cstring>
#include <functional>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/crypto/secret.h"

namespace relay {

// Who a peer is. Any 32 bytes can be held; those that are no key verify nothing.
struct PublicKey {
    std::array<std::uint8_t, 32> bytes{};
    auto operator<=>(const PublicKey&) const = default;
};

using Signature = std::array<std::uint8_t, 64>;

bool verify(const PublicKey& key, Bytes message, const Signature& signature);

// An identity's secret half. A value; each copy is wiped on destruction.
class PrivateKey {
public:
    using Seed = SecretArray<32>;

    static PrivateKey generate(Random& random);
    explicit PrivateKey(const Seed& seed);

    Signature sign(Bytes message) const;
    const PublicKey& public_key() const { return public_key_; }
    const Seed& seed() const { return seed_; }

private:
    Seed seed_;
    PublicKey public_key_;
};

}  // namespace relay

template <>
struct std::hash<relay::PublicKey> {
    // Keys are as good as random, so a few of their bytes hash them all.
    std::size_t operator()(const relay::PublicKey& key) const {
        std::size_t value;
        std::memcpy(&value, key.bytes.data(), sizeof value);
        return value;
    }
};
