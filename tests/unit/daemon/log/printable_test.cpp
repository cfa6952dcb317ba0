#include "daemon/log/printable.h"

#include <doctest/doctest.h>

#include <random>

namespace relay {

TEST_CASE("printable text stays as it is") {
    CHECK(printable("", 100).empty());
    CHECK(printable("plain text, tab-free", 100) == "plain text, tab-free");
    CHECK(printable("Zürich 東京 😀", 100) == "Zürich 東京 😀");
}

TEST_CASE("control characters are shown, never passed on") {
    CHECK(printable(std::string_view{"\0a\t\n\x7f", 5}, 100) == "\\x00a\\x09\\x0a\\x7f");
    CHECK(printable("\xc2\x9b", 100) == "\\xc2\\x9b");           // C1: CSI in one character.
    CHECK(printable("\xe2\x80\xae", 100) == "\\xe2\\x80\\xae");  // Right-to-left override.
    CHECK(printable("\xe2\x81\xa9", 100) == "\\xe2\\x81\\xa9");  // Pop directional isolate.
    CHECK(printable("\xe2\x80\xa6", 100) == "\xe2\x80\xa6");     // An ellipsis is harmless.
}

TEST_CASE("bytes that are not UTF-8 are shown one by one") {
    CHECK(printable("\xff", 100) == "\\xff");
    CHECK(printable("\xc0\xaf", 100) == "\\xc0\\xaf");           // Overlong.
    CHECK(printable("\xed\xa0\x80", 100) == "\\xed\\xa0\\x80");  // A surrogate.
    CHECK(printable("\xe6\x9d", 100) == "\\xe6\\x9d");           // Cut off.
    CHECK(printable("\xf4\x90\x80\x80", 100) == "\\xf4\\x90\\x80\\x80");
}

TEST_CASE("what is too long is cut between characters, and says so") {
    CHECK(printable("abcdef", 6) == "abcdef");
    CHECK(printable("abcdefg", 6) == "abc...");
    CHECK(printable("ab東京", 6) == "ab...");
    CHECK(printable("a\n\n\n", 8) == "a\\x0a...");
}

TEST_CASE("whatever comes in, what comes out is bounded and has no control character") {
    std::mt19937 random{1};
    for (int round = 0; round < 2000; ++round) {
        CAPTURE(round);
        std::string text(random() % 40, ' ');
        for (char& byte : text) byte = static_cast<char>(random());
        const std::size_t limit = 3 + random() % 60;
        const std::string shown = printable(text, limit);
        REQUIRE(shown.size() <= limit);
        for (const char byte : shown) {
            const auto value = static_cast<unsigned char>(byte);
            REQUIRE(value >= 0x20);
            REQUIRE(value != 0x7f);
        }
        REQUIRE(printable(shown, limit) == shown);
    }
}

}  // namespace relay
