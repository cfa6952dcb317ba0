#include "common/settings/invitation.h"

#include <doctest/doctest.h>

using namespace relay;

namespace {

Invitation sample() {
    Invitation invitation;
    invitation.relay.hash.fill(0xa7);
    for (std::uint8_t i = 0; i < 16; ++i) invitation.secret.room()[i] = i;
    invitation.expires_unix_s = 1'767'225'600;
    invitation.home = "work-pc";
    invitation.targets = {{"127.0.0.1", {3389, 3389}}, {"fd00::1", {22000, 22004}}};
    return invitation;
}

}  // namespace

TEST_CASE("a token says what its invitation says") {
    const auto token = token_of(sample());
    REQUIRE(token);
    const auto read = parse_token(*token);
    REQUIRE(read);
    CHECK(read->relay == sample().relay);
    CHECK(std::ranges::equal(read->secret.view(), sample().secret.view()));
    CHECK(read->expires_unix_s == 1'767'225'600);
    CHECK(read->home == "work-pc");
    CHECK(read->targets == sample().targets);
}

TEST_CASE("a token is one word for a shell, and no option") {
    const auto token = token_of(sample());
    REQUIRE(token);
    CHECK(token->find_first_not_of(
              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
          std::string::npos);
    CHECK(token->front() == 'A');  // Its version.
}

TEST_CASE("a token that lost or changed a character is told from a refused one") {
    const std::string token = *token_of(sample());
    for (std::size_t i = 0; i < token.size(); ++i) {
        CAPTURE(i);
        std::string changed = token;
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        CHECK_FALSE(parse_token(changed));
        CHECK_FALSE(parse_token(token.substr(0, i)));
        CHECK_FALSE(parse_token(token.substr(0, i) + token.substr(i + 1)));
    }
    for (const char* other : {"", "A", "AAAA", "token with blanks", "ssh-ed25519", "äöü"}) {
        CAPTURE(other);
        const auto read = parse_token(other);
        REQUIRE_FALSE(read);
        CHECK(read.error().code == ErrorCode::Malformed);
    }
}

TEST_CASE("an invitation has a limit") {
    Invitation invitation = sample();
    invitation.targets.assign(max_invited_targets, {std::string(253, 'a'), {10000, 60000}});
    const auto token = token_of(invitation);
    REQUIRE(token);
    CHECK(token->size() <= max_token_size);
    CHECK(parse_token(*token).error().code == ErrorCode::Malformed);  // No label is so long.
    invitation.targets.assign(max_invited_targets + 1, {"127.0.0.1", {1, 1}});
    CHECK_FALSE(token_of(invitation));
}

TEST_CASE("each secret has a key of its own, always the same") {
    InvitationSecret other;
    CHECK(invitation_key(sample().secret).public_key() ==
          invitation_key(sample().secret).public_key());
    CHECK(invitation_key(sample().secret).public_key() != invitation_key(other).public_key());
    // SHA-256 alone is not the seed: another use of the same hash gives another key.
    CHECK(invitation_key(other).public_key() !=
          PrivateKey{PrivateKey::Seed{sha256(other.view())}}.public_key());
}
