#include "daemon/identity/known_relays.h"

#include <doctest/doctest.h>

#include "daemon/identity/file.h"
#include "tests/unit/crypto/ssh_samples.h"
#include "tests/unit/daemon/identity/temporary_directory.h"

using namespace relay;

namespace {

const Fingerprint alice = *parse_fingerprint(samples::plain_fingerprint);
const Fingerprint bob = *parse_fingerprint(samples::locked_fingerprint);

}  // namespace

TEST_CASE("a relay is unknown, then remembered, also by the next process") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("known_relays");
    auto relays = KnownRelays::load(path);
    REQUIRE(relays);
    CHECK_FALSE(relays->lookup("vps.example:443"));
    REQUIRE(relays->remember("vps.example:443", alice));
    REQUIRE(relays->remember("[2001:db8::1]:443", bob));
    CHECK(relays->lookup("vps.example:443") == alice);
    CHECK(KnownRelays::load(path)->lookup("vps.example:443") == alice);
    CHECK(KnownRelays::load(path)->lookup("[2001:db8::1]:443") == bob);
    CHECK_FALSE(relays->lookup("vps.example:44"));
    CHECK_FALSE(relays->lookup(""));
}

TEST_CASE("replacing one line keeps the others, comments and what another process remembered") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("known_relays");
    const std::string line = " " + std::string{samples::plain_fingerprint} + "\n";
    REQUIRE(write_file_atomically(path, bytes_of("# mine\n\na:1" + line + "b:1\t" + line), 0600));
    auto one = KnownRelays::load(path), two = KnownRelays::load(path);
    REQUIRE((one && two));
    CHECK_FALSE(one->lookup("#"));
    REQUIRE(two->remember("c:1", alice));
    REQUIRE(one->remember("a:1", bob));
    CHECK(*read_file(path, 1000) == "# mine\n\na:1 " + std::string{samples::locked_fingerprint} +
                                        "\nb:1\t" + line + "c:1" + line);
    CHECK(one->lookup("c:1") == alice);
}

TEST_CASE("a damaged file is an error that names the line, and is not overwritten") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("known_relays");
    auto relays = KnownRelays::load(path);
    REQUIRE(relays);
    REQUIRE(write_file_atomically(path, bytes_of("# x\nvps:443 SHA256:short\n"), 0600));
    const auto loaded = KnownRelays::load(path);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().text.starts_with(path + ":2: "));
    CHECK_FALSE(relays->remember("vps:443", alice));
    CHECK_FALSE(relays->lookup("vps:443"));
    CHECK(read_file(path, 100)->starts_with("# x"));
}

TEST_CASE("an address that would break the file is refused") {
    const TemporaryDirectory directory;
    auto relays = KnownRelays::load(directory.file("known_relays"));
    for (const std::string& address : {std::string{}, std::string{"a b:1"}, std::string{"a\nb:1"},
                                       std::string{"#a:1"}, std::string(513, 'a')}) {
        CHECK(relays->remember(address, alice).error().code == ErrorCode::Malformed);
    }
    CHECK(directory.count() == 0);
}
