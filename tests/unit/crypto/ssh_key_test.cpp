#include "common/crypto/ssh_key.h"

#include <doctest/doctest.h>

#include "common/crypto/base64.h"
#include "common/crypto/fingerprint.h"
#include "common/crypto/secure_random.h"
#include "common/crypto/ssh_public_key.h"
#include "tests/unit/crypto/ssh_samples.h"

using namespace relay;

namespace {

constexpr std::string_view begin_mark = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
constexpr std::string_view end_mark = "-----END OPENSSH PRIVATE KEY-----\n";

ByteVector body_of(std::string_view file) {
    file.remove_prefix(begin_mark.size());
    file.remove_suffix(end_mark.size());
    std::string joined{file};
    std::erase(joined, '\n');
    return *from_base64(joined);
}

std::string file_of(Bytes body) {
    return std::string{begin_mark} + base64(body) + '\n' + std::string{end_mark};
}

}  // namespace

TEST_CASE("a key made by ssh-keygen is read") {
    const auto read = parse_ssh_private_key(samples::plain_key);
    REQUIRE(read);
    CHECK(read->comment == "alice@example");
    CHECK(public_key_line(read->key.public_key(), read->comment) == samples::plain_line);
    CHECK(to_text(fingerprint_of(read->key.public_key())) == samples::plain_fingerprint);
    CHECK(verify(read->key.public_key(), bytes_of("x"), read->key.sign(bytes_of("x"))));
}

TEST_CASE("a file with Windows line ends and blank lines around is read") {
    std::string text = "\r\n";
    for (const char c : samples::plain_key) text += c == '\n' ? "\r\n" : std::string{c};
    CHECK(parse_ssh_private_key(text + "\r\n"));
}

TEST_CASE("what we write we read, for comments of every length modulo the padding") {
    SecureRandom random;
    const PrivateKey key = PrivateKey::generate(random);
    for (std::size_t size = 0; size < 20; ++size) {
        const std::string comment(size, 'c');
        const SecretBytes text = ssh_private_key_text(key, comment, random);
        const auto read = parse_ssh_private_key(text_of(text.view()));
        REQUIRE(read);
        CHECK(read->comment == comment);
        CHECK(read->key.public_key() == key.public_key());
        CHECK(text_of(read->key.seed().view()) == text_of(key.seed().view()));
    }
}

TEST_CASE(
    "a key with a passphrase is refused with a word about ssh-agent, and shows its public half") {
    const auto read = parse_ssh_private_key(samples::locked_key);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::Unsupported);
    CHECK(read.error().text.find("SSH_AUTH_SOCK") != std::string::npos);
    CHECK(read.error().text.find("ssh-keygen -p") != std::string::npos);

    const auto key = public_key_in_private_file(samples::locked_key);
    REQUIRE(key);
    CHECK(to_text(fingerprint_of(*key)) == samples::locked_fingerprint);
}

TEST_CASE("a key of another type is refused by its name") {
    const auto read = parse_ssh_private_key(samples::ecdsa_key);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::Unsupported);
    CHECK(read.error().text.find("ecdsa-sha2-nistp256") != std::string::npos);
    CHECK(read.error().text.find("ssh-keygen -t ed25519") != std::string::npos);
}

TEST_CASE("files that are something else say what they are") {
    const auto text_for = [](std::string_view file) {
        const auto read = parse_ssh_private_key(file);
        REQUIRE_FALSE(read);
        return read.error().text;
    };
    CHECK(text_for("-----BEGIN RSA PRIVATE KEY-----\n").find("PEM") != std::string::npos);
    CHECK(text_for("PuTTY-User-Key-File-3: ssh-ed25519\n").find("puttygen") != std::string::npos);
    CHECK(text_for(samples::plain_line).find("public key") != std::string::npos);
    CHECK(text_for("").find("not an OpenSSH private key") != std::string::npos);
    CHECK(text_for(std::string(max_private_key_text_size + 1, 'x')).find("larger") !=
          std::string::npos);
    CHECK(text_for(begin_mark).find("END line") != std::string::npos);
    CHECK(text_for(std::string{begin_mark} + "a*\n" + std::string{end_mark}).find("base64") !=
          std::string::npos);
}

TEST_CASE("a key that is cut short anywhere is refused") {
    const ByteVector body = body_of(samples::plain_key);
    REQUIRE(parse_ssh_private_key(file_of(body)));
    for (std::size_t size = 0; size < body.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(parse_ssh_private_key(file_of(Bytes{body}.first(size))));
    }
    ByteVector longer = body;
    longer.push_back(1);
    CHECK_FALSE(parse_ssh_private_key(file_of(longer)));
}

TEST_CASE("a flipped bit in any byte but the comment's is noticed") {
    ByteVector body = body_of(samples::plain_key);
    const std::size_t comment = text_of(body).find("alice@example");
    for (std::size_t i = 0; i < body.size(); ++i) {
        if (i >= comment && i < comment + 13) continue;
        CAPTURE(i);
        body[i] ^= 1;
        CHECK_FALSE(parse_ssh_private_key(file_of(body)));
        body[i] ^= 1;
    }
}
