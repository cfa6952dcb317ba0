#include "daemon/forwards/kept_socket.h"

#include <doctest/doctest.h>
#include <poll.h>

#include "daemon/io/tcp_socket.h"
#include "tests/unit/daemon/io/loopback.h"

using namespace relay;

TEST_CASE("bytes that came before a socket was noted count from zero, urgent ones too") {
    const auto ends = Parking::make_ends();
    REQUIRE(ends);
    const auto copy = [](const UniqueFd& fd) { return UniqueFd{dup(fd.get())}; };
    auto [peer, own] = loopback::connection();
    REQUIRE(send(peer.get(), "ab", 2, MSG_OOB) == 2);
    pollfd wanted{.fd = own.get(), .events = POLLIN, .revents = 0};
    REQUIRE(poll(&wanted, 1, 20000) == 1);

    LocalSocket note;
    {
        Parking parking{{copy((*ends)[0]), copy((*ends)[1])}, nullptr};
        parking.park(own.get());
        note = note_of_socket(own.get(), parking);
        CHECK(note.id == socket_id(own.get()));
    }
    set_urgent_in_line(own.get());
    char bytes[1];
    for (int i = 0; i < 2; ++i) REQUIRE(recv(own.get(), bytes, 1, 0) == 1);

    Parking parking{{copy((*ends)[0]), copy((*ends)[1])}, nullptr};
    KeptSockets sockets{parking};
    const auto position = sockets.find(note);
    REQUIRE(position);
    CHECK(position->given == 2);
    CHECK(position->taken == 0);
    sockets.end_the_others();
    CHECK(parking.found().empty());
    CHECK(send(peer.get(), "c", 1, MSG_NOSIGNAL) < 0);
}

TEST_CASE("while nothing is parked, no socket is noted") {
    const auto connection = loopback::connection();
    CHECK(note_of_socket(connection.accepted.get(), Parking{}).id == 0);
}
