#include "common/settings/hours.h"

#include <doctest/doctest.h>

namespace relay {

namespace {

constexpr unsigned mo = 0, tu = 1, fr = 4, sa = 5, su = 6;

WallTime at(unsigned day, unsigned hour, unsigned minute) {
    return {day, hour * 60 + minute};
}

bool is_within(const char* text, WallTime time) {
    const auto hours = parse_hours(text);
    REQUIRE(hours);
    return is_within(std::vector{*hours}, time);
}

}  // namespace

TEST_CASE("hours are read and written back") {
    for (const char* text : {"Mo-Fr 08:00-18:00", "Sa-Su 10:00-16:00", "22:00-06:00",
                             "Mo,We,Fr-Su 00:00-24:00", "Th 09:30-09:31"}) {
        CAPTURE(text);
        const auto hours = parse_hours(text);
        REQUIRE(hours);
        CHECK(to_text(*hours) == text);
    }
    CHECK(to_text(*parse_hours("mo")) == "Mo 00:00-24:00");
    CHECK(to_text(*parse_hours("Sa-Mo 08:00 - 09:00")) == "Mo,Sa-Su 08:00-09:00");
    for (const char* text : {"", " ", "Mo-", "Xx", "Mo-Fr-Su 08:00-09:00", "08:00", "8:00-9:00",
                             "08:00-24:01", "24:00-08:00", "08:60-09:00", "Mo,,Tu 08:00-09:00",
                             "Mo 08:00-09:00 x", "08:00-09:00-10:00"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_hours(text));
    }
}

TEST_CASE("the first minute belongs to the hours, and the last does not") {
    CHECK_FALSE(is_within("Mo-Fr 08:00-18:00", at(mo, 7, 59)));
    CHECK(is_within("Mo-Fr 08:00-18:00", at(mo, 8, 0)));
    CHECK(is_within("Mo-Fr 08:00-18:00", at(fr, 17, 59)));
    CHECK_FALSE(is_within("Mo-Fr 08:00-18:00", at(fr, 18, 0)));
    CHECK_FALSE(is_within("Mo-Fr 08:00-18:00", at(sa, 12, 0)));
}

TEST_CASE("hours over midnight belong to the day on which they begin") {
    CHECK(is_within("Fr 22:00-06:00", at(fr, 22, 0)));
    CHECK(is_within("Fr 22:00-06:00", at(sa, 5, 59)));
    CHECK_FALSE(is_within("Fr 22:00-06:00", at(sa, 6, 0)));
    CHECK_FALSE(is_within("Fr 22:00-06:00", at(fr, 5, 0)));
    CHECK(is_within("Su 22:00-06:00", at(mo, 1, 0)));
    CHECK_FALSE(is_within("Su 22:00-06:00", at(tu, 1, 0)));
    CHECK(is_within("08:00-08:00", at(su, 3, 0)));
}

TEST_CASE("without hours it is always time, and of several any will do") {
    CHECK(is_within(std::vector<Hours>{}, at(su, 3, 0)));
    const std::vector hours{*parse_hours("Mo 08:00-09:00"), *parse_hours("Tu 10:00-11:00")};
    CHECK(is_within(hours, at(tu, 10, 30)));
    CHECK_FALSE(is_within(hours, at(mo, 10, 30)));
}

}  // namespace relay
