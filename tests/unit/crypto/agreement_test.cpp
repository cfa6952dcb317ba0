// X25519, HKDF and the AEADs, by the vectors of their RFCs.
#include <doctest/doctest.h>

#include "common/crypto/aead.h"
#include "common/crypto/hkdf.h"
#include "common/crypto/x25519.h"
#include "tests/unit/crypto/hex.h"

using namespace relay;

TEST_CASE("a key times a point is what RFC 7748 5.2 says") {
    const X25519Secret own{std::span<const std::uint8_t, 32>{
        array_from_hex<32>("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")}};
    const auto shared = x25519_shared(
        own,
        array_from_hex<32>("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"));
    REQUIRE(shared);
    CHECK(vector_of(shared->view()) ==
          vector_of(array_from_hex<32>(
              "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")));
}

TEST_CASE("two keys agree") {
    const X25519Secret alice{std::span<const std::uint8_t, 32>{
        array_from_hex<32>("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")}};
    CHECK(x25519_public_of(alice) ==
          array_from_hex<32>("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
    X25519Secret bob;
    bob.room()[3] = 77;
    const auto one = x25519_shared(alice, x25519_public_of(bob));
    const auto other = x25519_shared(bob, x25519_public_of(alice));
    REQUIRE((one && other));
    CHECK(vector_of(one->view()) == vector_of(other->view()));
}

TEST_CASE("a key by which the secret would be zero is refused") {
    X25519Secret own;
    own.room()[0] = 9;
    CHECK_FALSE(x25519_shared(own, X25519Public{}));
    X25519Public one{};
    one[0] = 1;
    CHECK_FALSE(x25519_shared(own, one));
}

TEST_CASE("HKDF gives what RFC 5869 A.1 says, as far as one key goes") {
    const ByteVector secret(22, 0x0b);
    const auto salt = array_from_hex<13>("000102030405060708090a0b0c");
    const Key256 extracted = hkdf_extract(salt, secret);
    CHECK(vector_of(extracted.view()) ==
          vector_of(array_from_hex<32>(
              "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")));
    const auto info = array_from_hex<10>("f0f1f2f3f4f5f6f7f8f9");
    CHECK(vector_of(hkdf_expand(extracted.view(), "", info).view()) ==
          vector_of(array_from_hex<32>(
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")));
}

TEST_CASE("what was sealed opens with its key, its number and what goes with it, and not else") {
    for (const AeadKind kind : {AeadKind::ChaCha20Poly1305, AeadKind::Aes256Gcm}) {
        const ByteVector key(32, 7), other_key(32, 8), also{1, 2}, other_also{1, 3};
        const ByteVector text(100, 42);
        ByteVector sealed(116), opened(100);
        Aead{kind, key}.seal(5, also, text, sealed);
        CHECK(Aead{kind, key}.open(5, also, sealed, opened));
        CHECK(opened == text);
        CHECK_FALSE(Aead{kind, other_key}.open(5, also, sealed, opened));
        CHECK_FALSE(Aead{kind, key}.open(6, also, sealed, opened));
        CHECK_FALSE(Aead{kind, key}.open(5, other_also, sealed, opened));
        CHECK_FALSE(Aead{kind, key}.open(5, also, Bytes{sealed}.first(15), {}));
    }
}
