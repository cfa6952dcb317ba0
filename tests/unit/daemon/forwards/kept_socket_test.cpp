#include "daemon/forwards/kept_socket.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include "daemon/io/marked_move.h"
#include "daemon/io/socket_count.h"
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
    KeptSockets sockets{parking, MoveMark{}};
    const auto position = sockets.find(note, {});
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

TEST_CASE("a unix socket is as far as was written down, and as its mark says") {
    const auto ends = Parking::make_ends();
    REQUIRE(ends);
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    const UniqueFd own{fds[0]}, peer{fds[1]};
    const auto copy = [](const UniqueFd& fd) { return UniqueFd{dup(fd.get())}; };
    LocalSocket note;
    {
        Parking parking{{copy((*ends)[0]), copy((*ends)[1])}, nullptr};
        parking.park(own.get());
        note = note_of_socket(own.get(), parking);
        CHECK(note.id == socket_id(own.get()));
    }
    MoveMark mark;
    {
        MarkedMove move{mark, note.id, MoveMark::Way::ToSocket, 70};
        char bytes[] = "abc";
        const iovec piece{bytes, 3};
        REQUIRE(move.send(own.get(), &piece, 1) == 3);
        const MoveMark left = mark;
        Parking parking{{copy((*ends)[0]), copy((*ends)[1])}, nullptr};
        KeptSockets sockets{parking, left};
        const auto position = sockets.find(note, {.given = 9, .taken = 70});
        REQUIRE(position);
        CHECK(position->given == 9);
        CHECK(position->taken == 73);
        CHECK(!position->ended);
        CHECK(!sockets.find(note, {.given = 9, .taken = 71}));
        sockets.end_the_others();
    }
    char bytes[4];
    CHECK(recv(peer.get(), bytes, sizeof bytes, 0) == 3);
    CHECK(recv(peer.get(), bytes, sizeof bytes, 0) == 0);
}

TEST_CASE("a unix socket keeps the note that it was used") {
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    const UniqueFd own{fds[0]}, peer{fds[1]};
    CHECK(is_untouched(own.get()));
    note_use(own.get());
    CHECK(!is_untouched(own.get()));
    CHECK(is_untouched(peer.get()));
}
