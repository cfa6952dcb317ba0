#include "common/crypto/ssh_public_key.h"

#include <doctest/doctest.h>

#include "common/crypto/base64.h"
#include "common/crypto/fingerprint.h"
#include "tests/unit/crypto/ssh_samples.h"

using namespace relay;

TEST_CASE("a public key line is read and written unchanged") {
    const auto line = parse_public_key_line(samples::plain_line);
    REQUIRE(line);
    CHECK(line->comment == "alice@example");
    CHECK(public_key_line(line->key, line->comment) == samples::plain_line);
    CHECK(*parse_ssh_blob(ssh_blob_of(line->key)) == line->key);
}

TEST_CASE("comments keep their blanks inside and lose those around and control characters") {
    const std::string bare{samples::plain_line.substr(0, samples::plain_line.rfind(' '))};
    CHECK(parse_public_key_line(bare)->comment.empty());
    CHECK(parse_public_key_line(" " + bare + " \t my  key \r\n")->comment == "my  key");
    CHECK(parse_public_key_line(bare + " a\nb\x1b")->comment == "a?b?");
    CHECK(public_key_line(PublicKey{}, "a\nb").ends_with(" a?b"));
    CHECK(public_key_line(PublicKey{}, "").ends_with("A"));
}

TEST_CASE("a wrong line says what is wrong and in which column") {
    struct Row {
        std::string line;
        ErrorCode code;
        std::size_t column;
        std::string_view text;
    };
    const Row rows[] = {
        {"", ErrorCode::Malformed, 1, "expected a public key"},
        {"  hello", ErrorCode::Malformed, 3, "expected a public key"},
        {"ssh-ed25519", ErrorCode::Malformed, 12, "missing"},
        {"ssh-ed25519  AAA", ErrorCode::Malformed, 14, "not base64"},
        {"ssh-ed25519 AAAA", ErrorCode::Malformed, 13, "cut short"},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAAQE=", ErrorCode::Malformed, 13, "size"},
        {"ssh-ed25519 AAAAB3NzaC1yc2E=", ErrorCode::Unsupported, 13, "\"ssh-rsa\""},
        {"ssh-rsa AAAAB3NzaC1yc2E=", ErrorCode::Unsupported, 1, "\"ssh-rsa\""},
        {"sk-ssh-ed25519@openssh.com AAAA", ErrorCode::Unsupported, 1, "sk-ssh-ed25519"},
        {std::string(max_key_line_size + 1, 'x'), ErrorCode::TooLarge, 1, "longer"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.line);
        const auto parsed = parse_public_key_line(row.line);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == row.code);
        CHECK(parsed.error().column == row.column);
        CHECK(parsed.error().text.find(row.text) != std::string::npos);
    }
}

TEST_CASE("a fingerprint equals that of ssh-keygen -l and is read back, padded or not") {
    const auto line = parse_public_key_line(samples::plain_line);
    const Fingerprint fingerprint = fingerprint_of(line->key);
    const std::string text = to_text(fingerprint);
    CHECK(text == samples::plain_fingerprint);
    CHECK(*parse_fingerprint(text) == fingerprint);
    CHECK(*parse_fingerprint(text + '=') == fingerprint);
    CHECK(fingerprint != Fingerprint{});
}

TEST_CASE("text that is no fingerprint is refused") {
    const std::string good{samples::plain_fingerprint};
    for (const std::string& text :
         {std::string{}, std::string{"SHA256:"}, good.substr(7), good + "==", good + "A",
          good.substr(0, 49), "sha256:" + good.substr(7), good.substr(0, 49) + "*",
          "SHA256:" + std::string(43, '=')}) {
        CAPTURE(text);
        const auto parsed = parse_fingerprint(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == ErrorCode::Malformed);
    }
    CHECK(parse_fingerprint("MD5:00:11").error().code == ErrorCode::Unsupported);
}
