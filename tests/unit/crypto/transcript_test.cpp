#include "common/crypto/transcript.h"

#include <doctest/doctest.h>

#include "tests/unit/crypto/hex.h"

using namespace relay;

TEST_CASE("the hash of abc is that of FIPS 180-4") {
    CHECK(sha256(bytes_of("abc")) ==
          array_from_hex<32>("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

TEST_CASE("a transcript is the hash of its pieces with their lengths before them") {
    Transcript transcript{"label"};
    transcript.add(bytes_of("abc"));
    transcript.add({});
    using namespace std::string_view_literals;
    CHECK(transcript.digest() == sha256(bytes_of("\0\0\0\5label\0\0\0\3abc\0\0\0\0"sv)));
}

TEST_CASE("the same bytes cut otherwise give another digest") {
    Transcript one{"label"}, two{"label"}, relabelled{"labela"};
    one.add(bytes_of("ab"));
    one.add(bytes_of("c"));
    two.add(bytes_of("a"));
    two.add(bytes_of("bc"));
    relabelled.add(bytes_of("b"));
    relabelled.add(bytes_of("c"));
    CHECK(one.digest() != two.digest());
    CHECK(one.digest() != relabelled.digest());
}

TEST_CASE("a digest does not end the transcript, and copies go their own way") {
    Transcript one{"label"};
    one.add(bytes_of("a"));
    const Sha256 before = one.digest();
    CHECK(one.digest() == before);

    Transcript two{one};
    two.add(bytes_of("b"));
    CHECK(one.digest() == before);
    CHECK(two.digest() != before);
    one.add(bytes_of("b"));
    CHECK(one.digest() == two.digest());
    one = Transcript{"label"};
    CHECK(one.digest() != two.digest());
}
