#include "daemon/io/tcp_pair.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "daemon/io/tcp_socket.h"

using namespace relay;

TEST_CASE("what one end of a TCP pair says, the other hears, and each is where the other thinks") {
    auto pair = tcp_pair();
    REQUIRE(pair);
    auto& [one, other] = *pair;
    CHECK(peer_address_text(one.get()) == local_address_text(other.get()));
    CHECK(peer_address_text(other.get()) == local_address_text(one.get()));
    REQUIRE(send(one.get(), "hello", 5, 0) == 5);
    pollfd waiting{other.get(), POLLIN, 0};
    REQUIRE(poll(&waiting, 1, -1) == 1);
    std::array<char, 8> heard{};
    CHECK(recv(other.get(), heard.data(), heard.size(), 0) == 5);
    one.reset();
    REQUIRE(poll(&waiting, 1, -1) == 1);
    CHECK(recv(other.get(), heard.data(), heard.size(), 0) == 0);
}
