#include "common/base/text.h"

#include <doctest/doctest.h>

using namespace relay;
using namespace std::chrono_literals;

TEST_CASE("trimming takes spaces, tabs and ends of line from both ends only") {
    CHECK(trim(" \t a b\r\n") == "a b");
    CHECK(trim(" \t\r\n").empty());
    CHECK(trim("").empty());
}

TEST_CASE("splitting keeps empty parts") {
    using Parts = std::vector<std::string_view>;
    CHECK(split("a,,b", ',') == Parts{"a", "", "b"});
    CHECK(split(",", ',') == Parts{"", ""});
    CHECK(split("", ',') == Parts{""});
}

TEST_CASE("lower case changes ASCII letters only") {
    CHECK(to_lower("AZaz09-\xc3\x84") == "azaz09-\xc3\x84");
}

TEST_CASE("a number is digits and nothing else") {
    CHECK(*parse_number("0", 9) == 0);
    CHECK(*parse_number("007", 9) == 7);
    CHECK(*parse_number("18446744073709551615", UINT64_MAX) == UINT64_MAX);
    for (const std::string wrong : {"", " 1", "1 ", "+1", "-1", "0x10", "1.0", "1e3", "a"}) {
        CAPTURE(wrong);
        REQUIRE_FALSE(parse_number(wrong, 100));
        CHECK(parse_number(wrong, 100).error().code == ErrorCode::Malformed);
    }
}

TEST_CASE("a number over its limit, or over 64 bits, is too large") {
    for (const std::string wrong : {"101", "18446744073709551615", "18446744073709551616"}) {
        CAPTURE(wrong);
        REQUIRE_FALSE(parse_number(wrong, 100));
        CHECK(parse_number(wrong, 100).error().code == ErrorCode::TooLarge);
    }
}

TEST_CASE("sizes have binary units") {
    CHECK(*parse_size("512") == 512);
    CHECK(*parse_size("512B") == 512);
    CHECK(*parse_size("64KiB") == 65536);
    CHECK(*parse_size("1MiB") == 1048576);
    CHECK(*parse_size("2GiB") == 2147483648);
    CHECK(*parse_size("1TiB") == 1099511627776);
    CHECK(*parse_size("16777215TiB") == UINT64_C(16777215) << 40);
    for (const std::string wrong :
         {"", "KiB", "64KB", "64k", "64 KiB", "-1KiB", "1.5MiB", "1KiBx"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_size(wrong));
    }
    CHECK(parse_size("16777216TiB").error().code == ErrorCode::TooLarge);
}

TEST_CASE("durations are sums from large units to small") {
    CHECK(*parse_duration("0") == 0s);
    CHECK(*parse_duration("0s") == 0s);
    CHECK(*parse_duration("500ms") == 500ms);
    CHECK(*parse_duration("30s") == 30s);
    CHECK(*parse_duration("1h30m") == 90min);
    CHECK(*parse_duration("1d2h3m4s5ms") == 26h + 3min + 4s + 5ms);
    CHECK(*parse_duration("3650d") == 24h * 3650);
}

TEST_CASE("a duration without a unit, out of order or negative is refused") {
    for (const std::string wrong : {"", "30", "s", "30 s", "-1s", "1.5s", "30m1h", "1s1s", "1ms1s",
                                    "1h30", "10min", "1S", "30s ", "ms"}) {
        CAPTURE(wrong);
        REQUIRE_FALSE(parse_duration(wrong));
        CHECK(parse_duration(wrong).error().code == ErrorCode::Malformed);
    }
}

TEST_CASE("no sum of parts gets over ten years") {
    for (const std::string wrong :
         {"3651d", "3650d1ms", "3650d24h", "9223372036854775807d", "9223372036854775807ms"}) {
        CAPTURE(wrong);
        REQUIRE_FALSE(parse_duration(wrong));
        CHECK(parse_duration(wrong).error().code == ErrorCode::TooLarge);
    }
}

TEST_CASE("a duration is read back as it was written") {
    for (const Duration duration : {Duration{0}, Duration{1ms}, Duration{1s + 500ms},
                                    Duration{90min}, Duration{24h * 3650}}) {
        CHECK(*parse_duration(duration_text(duration)) == duration);
    }
    CHECK(duration_text(90min) == "1h30m");
    CHECK(duration_text(1500ms) == "1s500ms");
    CHECK(duration_text(999us) == "0s");
}

TEST_CASE("the edit distance counts letters changed, added and removed") {
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("abc", "") == 3);
    CHECK(edit_distance("abc", "abc") == 0);
    CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("a mistyped word finds its neighbour, another word finds none") {
    const std::vector<std::string_view> known{"listen", "homes", "key", "ping-interval"};
    CHECK(nearest_word("lisen", known) == "listen");
    CHECK(nearest_word("home", known) == "homes");
    CHECK(nearest_word("ping-intervall", known) == "ping-interval");
    CHECK(nearest_word("ping_interval", known) == "ping-interval");
    CHECK(nearest_word("colour", known).empty());
    CHECK(nearest_word("", known).empty());
    CHECK(nearest_word(std::string(1000, 'k'), known).empty());
}
