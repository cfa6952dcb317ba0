#include "daemon/carriers/bbr_tuning.h"

#include <doctest/doctest.h>

using namespace relay;

namespace {

constexpr std::uint64_t bandwidth = 30'000'000;

// A connection of which each round trip shows the same.
class Connection {
public:
    void looks(int times, double lost_share) {
        for (int i = 0; i < times; ++i) {
            path.bytes_sent += 1'000'000;
            path.bytes_sent_again += static_cast<std::uint64_t>(1'000'000 * lost_share);
            tuning.look(bbr, path, had_enough);
        }
    }
    void search_ends() {
        bbr.is_in_search = false;
        bbr.pacing_rate = bandwidth;
    }
    bool is_limited() const { return tuning.pacing_rate_most() != any_pacing_rate; }

    BbrFigures bbr{.bandwidth = bandwidth, .pacing_rate = 3 * bandwidth, .is_in_search = true};
    PathFigures path{.least_rtt = std::chrono::milliseconds(40)};
    bool had_enough = true;
    BbrTuning tuning;
};

}  // namespace

TEST_CASE("a search that loses much is made to end, by less than the path's bandwidth") {
    Connection connection;
    connection.looks(2, 0.1);
    CHECK(!connection.is_limited());
    connection.looks(1, 0.1);
    CHECK(connection.tuning.pacing_rate_most() == bandwidth / 10 * 8);
    connection.search_ends();
    connection.looks(1, 0.1);
    CHECK(!connection.is_limited());
    connection.looks(100, 0.5);
    CHECK(!connection.is_limited());
}

TEST_CASE("losses need not follow each other, but must be many") {
    Connection connection;
    for (int i = 0; i < 3; ++i) {
        CHECK(!connection.is_limited());
        connection.looks(5, 0);
        connection.looks(1, 0.03);
    }
    CHECK(connection.is_limited());

    Connection lucky;
    lucky.looks(1000, 0.01);
    CHECK(!lucky.is_limited());
}

TEST_CASE("of few bytes nobody can say that many are lost") {
    Connection connection;
    for (int i = 0; i < 1000; ++i) {
        connection.path.bytes_sent += 3000;
        connection.path.bytes_sent_again += 1500;
        connection.tuning.look(connection.bbr, connection.path, false);
    }
    CHECK(!connection.is_limited());
}

TEST_CASE("a limit that does not end the search goes after a while, and may come again") {
    Connection connection;
    connection.looks(3, 0.1);
    CHECK(connection.is_limited());
    connection.looks(16, 0.1);
    CHECK(connection.is_limited());
    connection.looks(1, 0.1);
    CHECK(!connection.is_limited());
    connection.looks(3, 0.1);
    CHECK(connection.is_limited());
}

TEST_CASE("bytes that may wait last longest while BBR searches, and then as long as they must") {
    Connection connection;
    connection.looks(1, 0);
    const auto in_search = connection.tuning.unsent_bytes();
    CHECK(in_search == 3 * bandwidth / 200);

    connection.search_ends();
    connection.looks(50, 0);
    const auto at_rest = connection.tuning.unsent_bytes();
    CHECK(at_rest == bandwidth / 1000);

    connection.path.is_limited_by_us = true;
    connection.looks(1, 0);
    CHECK(connection.tuning.unsent_bytes() == 2 * at_rest);
    connection.looks(10, 0);
    CHECK(connection.tuning.unsent_bytes() == 2 * at_rest);  // And no longer.

    connection.had_enough = false;  // There was no more to send at all.
    connection.looks(50, 0);
    CHECK(connection.tuning.unsent_bytes() == at_rest);
}

TEST_CASE("on a short path no more waits than goes in a round trip") {
    Connection connection;
    connection.path.least_rtt = std::chrono::microseconds(100);
    connection.looks(1, 0);
    CHECK(connection.tuning.unsent_bytes() == 3 * bandwidth / 10'000);
}

TEST_CASE("however fast BBR sends, a mebibyte waits at most") {
    Connection connection;
    connection.bbr.pacing_rate = std::uint64_t{1} << 40;
    connection.looks(1, 0);
    CHECK(connection.tuning.unsent_bytes() == std::size_t{1} << 20);
}
