#include "common/gates/hooks.h"

#include <doctest/doctest.h>

namespace relay {

namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

HookNews news(const std::string& address, bool has_opened = true) {
    const auto from = parse_ip_address(address);
    REQUIRE(from);
    return {"x", *from, has_opened};
}

GateSettings gate() {
    GateSettings settings;
    settings.open_for = 10s;
    settings.start_command = {"/bin/let", "in=%IP%,%IP%"};
    settings.stop_command = {"/bin/let", "out", "%IP%"};
    return settings;
}

}  // namespace

TEST_CASE("news of gates are lines, and nothing else is one") {
    for (const char* text : {"open ssh 192.0.2.7", "close ssh 2001:db8::7"}) {
        const auto parsed = parse_hook_news(text);
        REQUIRE(parsed);
        CHECK(to_text(*parsed) == text);
    }
    for (const char* text : {"", "open", "open ssh", "open ssh 192.0.2.7 x", "shut ssh 192.0.2.7",
                             "open s.h 192.0.2.7", "open ssh $(id)", "open ssh 192.0.2.7;id"}) {
        CAPTURE(text);
        CHECK(!parse_hook_news(text));
    }
}

TEST_CASE(
    "the address takes its place in the words, and the other command comes when the time is over") {
    HookBook book;
    const auto start = book.opened(news("192.0.2.7"), gate(), 1000);
    REQUIRE(start);
    REQUIRE(*start);
    CHECK((*start)->words == Words{"/bin/let", "in=192.0.2.7,192.0.2.7"});
    CHECK(book.next_ms() == 11000);
    CHECK(book.due(10999).empty());
    const auto due = book.due(11000);
    REQUIRE(due.size() == 1);
    CHECK(due[0].words == Words{"/bin/let", "out", "192.0.2.7"});
    CHECK(due[0].moment == HookCall::Moment::Stop);
    CHECK(book.due(20000).empty());
    CHECK(!book.text().empty());
    book.has_ended(due[0]);
    CHECK(book.text().empty());
}

TEST_CASE("who knocks again stays longer, and is not let in twice") {
    HookBook book;
    REQUIRE(*book.opened(news("192.0.2.7"), gate(), 0));
    const auto again = book.opened(news("192.0.2.7"), gate(), 5000);
    REQUIRE(again);
    CHECK(!*again);
    CHECK(book.next_ms() == 15000);
    REQUIRE(*book.opened(news("2001:db8::1"), gate(), 5000));
}

TEST_CASE("who knocks again while he is put out is owed another end") {
    HookBook book;
    REQUIRE(*book.opened(news("192.0.2.7"), gate(), 0));
    const auto due = book.due(10000);
    REQUIRE(due.size() == 1);
    REQUIRE(*book.opened(news("192.0.2.7"), gate(), 10000));
    book.has_ended(due[0]);
    CHECK(book.due(20000).size() == 1);
}

TEST_CASE("a gate without an end runs its command at each knock, and owes nothing") {
    auto settings = gate();
    settings.stop_command.clear();
    HookBook book;
    for (int i = 0; i < 3; ++i) CHECK(*book.opened(news("192.0.2.7"), settings, 0));
    CHECK(!book.next_ms());
}

TEST_CASE("closing puts out who is in, once, and nobody else") {
    HookBook book;
    CHECK(!book.closed(news("192.0.2.7", false)));
    REQUIRE(*book.opened(news("192.0.2.7"), gate(), 0));
    CHECK(book.closed(news("192.0.2.7", false)));
    CHECK(!book.closed(news("192.0.2.7", false)));
    CHECK(book.due(60000).empty());
}

TEST_CASE("what is owed is read again as it was written, even if it was under way") {
    HookBook book;
    REQUIRE(*book.opened(news("192.0.2.7"), gate(), 0));
    REQUIRE(*book.opened(news("2001:db8::1"), gate(), 500));
    REQUIRE(book.due(10000).size() == 1);
    HookBook other;
    other.restore(book.text() + "nonsense\nx\ty\t1\t/bin/z\nx\t192.0.2.9\t-1\t/bin/z\n");
    CHECK(other.text() == book.text());
    CHECK(other.due(10500).size() == 2);
}

TEST_CASE("what is owed has a limit, and who is in already does not count") {
    HookBook book;
    for (unsigned i = 0; i < HookBook::max_owed; ++i) {
        const auto address = "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
        REQUIRE(book.opened(news(address), gate(), 0));
    }
    CHECK(!book.opened(news("192.0.2.7"), gate(), 0));
    CHECK(book.opened(news("10.0.0.0"), gate(), 0));
}

}  // namespace relay
