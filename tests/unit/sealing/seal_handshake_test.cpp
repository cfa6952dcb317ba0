// The handshake of a sealed stream: what both ends have from it, and what stands against whoever is
// in between.
#include "common/sealing/seal_handshake.h"

#include <doctest/doctest.h>

#include "common/sealing/record_opener.h"
#include "common/sealing/record_sealer.h"

using namespace relay;

namespace {

PrivateKey key_of(std::uint8_t fill) {
    PrivateKey::Seed seed;
    for (std::uint8_t& byte : seed.room()) byte = fill;
    return PrivateKey{seed};
}

X25519Secret secret_of(std::uint8_t fill) {
    X25519Secret secret;
    for (std::uint8_t& byte : secret.room()) byte = fill;
    return secret;
}

struct Pair {
    AesSpeed visitors = AesSpeed::Fast;
    AesSpeed homes = AesSpeed::Fast;
    PrivateKey visitor_key = key_of(1);
    PrivateKey home_key = key_of(2);
    VisitorSeal visitor{{visitor_key.public_key(), "work-pc:3389", visitors}, secret_of(3)};
    HomeSeal home{{home_key.public_key(), "127.0.0.1:3389", homes}, secret_of(4)};

    ByteVector answer(Bytes seal) {
        auto step = home.heed(seal);
        REQUIRE((step && *step));
        return home.provide_signature(home_key.sign(std::get<SealSignatureNeeded>(**step).message));
    }
    VisitorSeal::Proof proof() {
        return visitor.provide_signature(visitor_key.sign(visitor.approve().message));
    }
};

ByteVector together(const ByteVector& one, const ByteVector& other) {
    ByteVector both = one;
    both.insert(both.end(), other.begin(), other.end());
    return both;
}

}  // namespace

TEST_CASE("both ends have the same keys, and know who is at the other") {
    for (const AesSpeed aes : {AesSpeed::Slow, AesSpeed::Fast}) {
        Pair pair{.homes = aes};
        const ByteVector answer = pair.answer(pair.visitor.first());
        const auto home = pair.visitor.heed(answer);
        REQUIRE((home && *home));
        CHECK((*home)->key == pair.home_key.public_key());
        CHECK((*home)->target == "127.0.0.1:3389");
        const auto [proof, keys] = pair.proof();
        const auto visitor = pair.home.heed(together(pair.visitor.first(), proof));
        REQUIRE((visitor && *visitor));
        const auto& proved = std::get<HomeSeal::VisitorProved>(**visitor);
        CHECK(proved.asked == "work-pc:3389");
        CHECK(proved.keys.peer == pair.visitor_key.public_key());
        CHECK(keys.peer == pair.home_key.public_key());
        CHECK(vector_of(keys.out.view()) == vector_of(proved.keys.in.view()));
        CHECK(vector_of(keys.in.view()) == vector_of(proved.keys.out.view()));
        CHECK(vector_of(keys.in.view()) != vector_of(keys.out.view()));
        CHECK(keys.bytes_out == proved.keys.bytes_in);
        CHECK(keys.bytes_in == proved.keys.bytes_out);
        CHECK(keys.kind ==
              (aes == AesSpeed::Fast ? AeadKind::Aes256Gcm : AeadKind::ChaCha20Poly1305));
        CHECK(record_of(keys).out.now().stream == keys.bytes_out);
    }
}

TEST_CASE("messages may come in any pieces") {
    Pair pair;
    const ByteVector& seal = pair.visitor.first();
    for (std::size_t size = 0; size < seal.size(); ++size) {
        const auto step = pair.home.heed(Bytes{seal}.first(size));
        REQUIRE(step);
        CHECK_FALSE(*step);
    }
    const ByteVector answer = pair.answer(seal);
    for (std::size_t size = 0; size < answer.size(); ++size) {
        const auto home = pair.visitor.heed(Bytes{answer}.first(size));
        REQUIRE(home);
        CHECK_FALSE(*home);
    }
}

TEST_CASE("each bit of the answer that is turned over is noticed, but for a length that waits") {
    const ByteVector good = Pair{}.answer(Pair{}.visitor.first());
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        CAPTURE(bit);
        ByteVector answer = good;
        answer[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        Pair pair;
        const auto home = pair.visitor.heed(answer);
        CHECK((!home || !*home));
    }
}

TEST_CASE("each bit of the visitor's messages that is turned over is noticed") {
    Pair good;
    const ByteVector answer = good.answer(good.visitor.first());
    REQUIRE(good.visitor.heed(answer));
    const ByteVector all = together(good.visitor.first(), good.proof().message);
    for (std::size_t bit = 0; bit < all.size() * 8; ++bit) {
        CAPTURE(bit);
        ByteVector changed = all;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        Pair pair;
        const auto step = pair.home.heed(changed);
        if (!step || !*step) continue;
        (void)pair.home.provide_signature(
            pair.home_key.sign(std::get<SealSignatureNeeded>(**step).message));
        const auto visitor = pair.home.heed(changed);
        CHECK((!visitor || !*visitor));
    }
}

TEST_CASE("whoever stands in between with keys of his own has another one than the home's") {
    Pair pair;
    Pair liar{.home_key = key_of(9)};
    const ByteVector answer = liar.answer(pair.visitor.first());
    const auto home = pair.visitor.heed(answer);
    REQUIRE((home && *home));
    CHECK((*home)->key != pair.home_key.public_key());
}

TEST_CASE("a home's key without its secret half proves nothing") {
    Pair pair;
    Pair liar;
    auto step = liar.home.heed(pair.visitor.first());
    REQUIRE((step && *step));
    const auto& message = std::get<SealSignatureNeeded>(**step).message;
    const auto home = pair.visitor.heed(liar.home.provide_signature(key_of(9).sign(message)));
    REQUIRE_FALSE(home);
    CHECK(home.error().code == ErrorCode::Unauthentic);
}

TEST_CASE("a visitor's proof of another stream is worth nothing in this one") {
    Pair one;
    REQUIRE(one.visitor.heed(one.answer(one.visitor.first())));
    const ByteVector proof = one.proof().message;
    Pair two;
    two.home =
        HomeSeal{{two.home_key.public_key(), "127.0.0.1:3389", AesSpeed::Fast}, secret_of(5)};
    (void)two.answer(one.visitor.first());
    CHECK_FALSE(two.home.heed(together(one.visitor.first(), proof)));
}

TEST_CASE("a home that is asked again with the same keys gives the same answer") {
    Pair one, two;
    CHECK(one.answer(one.visitor.first()) == two.answer(one.visitor.first()));
}
