#include "common/crypto/ed25519.h"

#include <doctest/doctest.h>

#include <unordered_set>

#include "common/crypto/secure_random.h"
#include "tests/unit/crypto/hex.h"

using namespace relay;

namespace {

struct Vector {
    std::string_view seed, public_key, message, signature;
};

// RFC 8032 section 7.1, TEST 1 to TEST 3.
constexpr Vector vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
};

}  // namespace

TEST_CASE("the vectors of RFC 8032 hold") {
    for (const Vector& vector : vectors) {
        CAPTURE(vector.seed);
        const PrivateKey key{PrivateKey::Seed{array_from_hex<32>(vector.seed)}};
        const ByteVector message = from_hex(vector.message);
        CHECK(key.public_key().bytes == array_from_hex<32>(vector.public_key));
        CHECK(key.sign(message) == array_from_hex<64>(vector.signature));
        CHECK(verify(key.public_key(), message, key.sign(message)));
    }
}

TEST_CASE("a signature over other bytes, by another key or with a flipped bit does not verify") {
    SecureRandom random;
    const PrivateKey key = PrivateKey::generate(random);
    const PrivateKey other = PrivateKey::generate(random);
    const Bytes message = bytes_of("message");
    const Signature signature = key.sign(message);
    REQUIRE(verify(key.public_key(), message, signature));

    CHECK_FALSE(verify(key.public_key(), bytes_of("messagE"), signature));
    CHECK_FALSE(verify(other.public_key(), message, signature));
    for (std::size_t i = 0; i < signature.size(); ++i) {
        Signature broken = signature;
        broken[i] ^= 1;
        CHECK_FALSE(verify(key.public_key(), message, broken));
    }
}

TEST_CASE("bytes that are no curve point verify nothing") {
    PublicKey no_key;
    no_key.bytes.fill(0xff);
    CHECK_FALSE(verify(no_key, bytes_of("message"), Signature{}));
}

TEST_CASE("public keys compare and hash as values") {
    SecureRandom random;
    const PrivateKey a = PrivateKey::generate(random);
    const PrivateKey copy = a;
    const PrivateKey b = PrivateKey::generate(random);
    CHECK(copy.public_key() == a.public_key());
    CHECK(b.public_key() != a.public_key());
    const std::unordered_set<PublicKey> keys{a.public_key(), copy.public_key(), b.public_key()};
    CHECK(keys.size() == 2);
}
