#include "daemon/identity/identity_store.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/secure_random.h"
#include "common/crypto/ssh_public_key.h"
#include "daemon/identity/file.h"
#include "daemon/identity/identity.h"
#include "tests/unit/crypto/ssh_samples.h"
#include "tests/unit/daemon/identity/temporary_directory.h"

using namespace relay;

TEST_CASE("the first start makes a key and later ones load it") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("id_ed25519");
    SecureRandom random;
    const auto made = load_or_create_private_key(path, "relayd@host", random);
    REQUIRE(made);
    const auto loaded = load_or_create_private_key(path, "other", random);
    REQUIRE(loaded);
    CHECK(loaded->key.public_key() == made->key.public_key());
    CHECK(loaded->comment == "relayd@host");
    CHECK(*read_file(path + ".pub", 1000) ==
          public_key_line(made->key.public_key(), "relayd@host") + '\n');

    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    REQUIRE(::stat((path + ".pub").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0644);
    CHECK(directory.count() == 2);
}

TEST_CASE("a key that others may use is refused with what to do") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("key");
    REQUIRE(write_file_atomically(path, bytes_of(samples::plain_key), 0600));
    REQUIRE(load_private_key(path));
    for (const mode_t mode : {0604, 0640, 0620, 0601, 0644, 0666}) {
        CAPTURE(mode);
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        const auto loaded = load_private_key(path);
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().code == ErrorCode::Refused);
        CHECK(loaded.error().text.find("chmod 600 " + path) != std::string::npos);
        CHECK_FALSE(load_public_half(path));
    }
    CHECK(load_private_key(path).error().text.find("permissions 0666 for") == 0);
}

TEST_CASE("a key of another user is refused") {
    if (::geteuid() != 0) return;  // Only root can give files away.
    const TemporaryDirectory directory;
    const std::string path = directory.file("key");
    REQUIRE(write_file_atomically(path, bytes_of(samples::plain_key), 0600));
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    const auto loaded = load_private_key(path);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == ErrorCode::Refused);
    CHECK(loaded.error().text.find("belongs to user 65534") != std::string::npos);
}

TEST_CASE("a broken key is never overwritten") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("key");
    REQUIRE(write_file_atomically(path, bytes_of("not a key"), 0600));
    SecureRandom random;
    const auto loaded = load_or_create_private_key(path, "", random);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().text.starts_with(path + ": "));
    CHECK(*read_file(path, 100) == "not a key");
}

TEST_CASE("an identity signs with a key it holds") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("key");
    REQUIRE(write_file_atomically(path, bytes_of(samples::plain_key), 0600));
    const auto identity = load_identity(path, "");
    REQUIRE(identity);
    REQUIRE(identity->private_key() != nullptr);
    const auto signature = identity->sign(bytes_of("message"));
    REQUIRE(signature);
    CHECK(verify(identity->public_key(), bytes_of("message"), *signature));
}

TEST_CASE("a key with a passphrase needs an agent") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("key");
    REQUIRE(write_file_atomically(path, bytes_of(samples::locked_key), 0600));
    const auto without = load_identity(path, "");
    REQUIRE_FALSE(without);
    CHECK(without.error().code == ErrorCode::Unsupported);
    CHECK(without.error().text.find("ssh-agent") != std::string::npos);

    const auto dead = load_identity(path, directory.file("no-agent"));
    REQUIRE_FALSE(dead);
    CHECK(dead.error().text.find("cannot talk to ssh-agent") != std::string::npos);
}
