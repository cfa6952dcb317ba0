#include "common/crypto/authorized_keys.h"

#include <doctest/doctest.h>

#include "tests/unit/crypto/ssh_samples.h"

using namespace relay;

namespace {

const std::string key_line{samples::plain_line};

}  // namespace

TEST_CASE("a line without options admits from anywhere") {
    const auto key = parse_authorized_key(" " + key_line + "\r\n");
    REQUIRE(key);
    REQUIRE(*key);
    CHECK((*key)->comment == "alice@example");
    CHECK((*key)->from.empty());
    CHECK(public_key_line((*key)->key, (*key)->comment) == key_line);
}

TEST_CASE("blank lines and comments hold no key") {
    for (const std::string_view line : {"", " \t", "# ssh-ed25519 AAAA", "  #", "\r\n"}) {
        const auto key = parse_authorized_key(line);
        REQUIRE(key);
        CHECK_FALSE(*key);
    }
}

TEST_CASE("the option from lists addresses, networks and patterns") {
    const auto key =
        parse_authorized_key("From=\"203.0.113.0/24,2001:db8::/32,!10.*,*.example\" " + key_line);
    REQUIRE(key);
    const std::vector<std::string> expected{"203.0.113.0/24", "2001:db8::/32", "!10.*",
                                            "*.example"};
    CHECK((*key)->from == expected);
}

TEST_CASE("a wrong line says what is wrong and in which column") {
    std::string many = "from=\"a";
    for (std::size_t i = 0; i < max_from_patterns; ++i) many += ",a";
    struct Row {
        std::string line;
        ErrorCode code;
        std::size_t column;
        std::string_view text;
    };
    const Row rows[] = {
        {"command=\"ls -l\" " + key_line, ErrorCode::Unsupported, 1, "\"command\""},
        {"from=\"a\",restrict " + key_line, ErrorCode::Unsupported, 10, "\"restrict\""},
        {"from=\"a\",from=\"b\" " + key_line, ErrorCode::Malformed, 10, "twice"},
        {"from=\"a\", " + key_line, ErrorCode::Malformed, 10, "name of an option"},
        {"from " + key_line, ErrorCode::Malformed, 5, "needs a value"},
        {"from=a " + key_line, ErrorCode::Malformed, 6, "double quotes"},
        {"from=\"a " + key_line, ErrorCode::Malformed, 6, "closing quote"},
        {"from=\"a\\\" " + key_line, ErrorCode::Malformed, 6, "closing quote"},
        {"from=\"\" " + key_line, ErrorCode::Malformed, 6, "empty"},
        {"from=\"a,,b\" " + key_line, ErrorCode::Malformed, 6, "empty"},
        {"from=\"a b\" " + key_line, ErrorCode::Malformed, 6, "odd characters"},
        {many + "\" " + key_line, ErrorCode::TooLarge, 6, "more than 64"},
        {"from=\"a\"" + key_line, ErrorCode::Malformed, 9, "a comma or a space"},
        {"from=\"a\"", ErrorCode::Malformed, 9, "expected a public key"},
        {"from=\"a\" from=\"b\" " + key_line, ErrorCode::Malformed, 10, "expected a public key"},
        {"from=\"a\" ssh-rsa AAAA", ErrorCode::Unsupported, 10, "\"ssh-rsa\""},
        {"ssh-ed25519 !", ErrorCode::Malformed, 13, "base64"},
        {key_line.substr(12), ErrorCode::Malformed, 1, "type is missing"},
        {"\"", ErrorCode::Malformed, 1, "name of an option"},
        {std::string(max_key_line_size + 1, ' '), ErrorCode::TooLarge, 1, "longer"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.line);
        const auto parsed = parse_authorized_key(row.line);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == row.code);
        CHECK(parsed.error().column == row.column);
        CHECK(parsed.error().text.find(row.text) != std::string::npos);
    }
}

TEST_CASE("a file yields its keys and all its errors") {
    const auto file = parse_authorized_keys("# homes\n" + key_line + "\n\nrestrict " + key_line +
                                            "\nfrom=\"10.0.0.1\" " + key_line + "\nnonsense");
    REQUIRE(file.keys.size() == 2);
    CHECK(file.keys[1].from == std::vector<std::string>{"10.0.0.1"});
    REQUIRE(file.errors.size() == 2);
    CHECK(file.errors[0].line == 4);
    CHECK(file.errors[0].error.code == ErrorCode::Unsupported);
    CHECK(file.errors[1].line == 6);
}

TEST_CASE("a file of endless errors is given up") {
    std::string text;
    for (std::size_t i = 0; i < max_authorized_keys + 10; ++i) text += "x\n";
    CHECK(parse_authorized_keys(text).errors.size() == max_authorized_keys + 1);
}
