#include "daemon/io/parking.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "daemon/io/tcp_socket.h"
#include "tests/unit/daemon/io/loopback.h"

using namespace relay;

namespace {

UniqueFd copy_of(int fd) {
    return UniqueFd{fcntl(fd, F_DUPFD_CLOEXEC, 0)};
}

// What the service manager keeps: it outlives each Parking, as a process' end is one's.
class Keeper {
public:
    Keeper() : ends_(std::move(*Parking::make_ends())) {}

    Parking::Ends ends() const { return {copy_of(ends_[0].get()), copy_of(ends_[1].get())}; }
    Parking parking() {
        return {ends(), [this](const std::string&) { ++troubles; }};
    }
    // What the next process finds, in rising order. A Parking that still lives is as good as dead
    // then: the next one has rearranged what lies in the ends.
    std::vector<std::uint64_t> ids() {
        std::vector<std::uint64_t> ids;
        for (const Parking::Found& found : parking().found()) ids.push_back(found.id);
        return ids;
    }

    int troubles = 0;

private:
    Parking::Ends ends_;
};

// As Parking itself does, but a message of its own for each: a stand-in for its killed half.
bool put(int end, int fd) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    char byte = 0;
    iovec data{&byte, 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
    return sendmsg(end, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

std::vector<UniqueFd> unconnected(std::size_t count) {
    std::vector<UniqueFd> sockets(count);
    for (UniqueFd& socket : sockets) socket = loopback::tcp_socket(AF_INET);
    return sockets;
}

std::vector<std::uint64_t> ids_of(const std::vector<UniqueFd>& sockets) {
    std::vector<std::uint64_t> ids;
    for (const UniqueFd& socket : sockets) ids.push_back(socket_id(socket.get()));
    std::sort(ids.begin(), ids.end());
    return ids;
}

}  // namespace

TEST_CASE(
    "what is parked is found by the next process, the very same socket, and by the one after") {
    Keeper keeper;
    std::uint64_t id = 0;
    {
        Parking parking = keeper.parking();
        CHECK(parking.found().empty());
        const auto sockets = unconnected(1);
        parking.park(sockets[0].get());
        id = socket_id(sockets[0].get());
        CHECK(id != 0);
    }
    for (int process = 0; process < 3; ++process) {
        Parking parking = keeper.parking();
        CHECK(parking.find(id).has_value());
        const UniqueFd claimed = parking.claim(id);
        CHECK(socket_id(claimed.get()) == id);
        CHECK(parking.found().empty());
        CHECK(!parking.claim(id));
    }
}

TEST_CASE("what is unparked is found no more after the next compaction, and at once if told so") {
    Keeper keeper;
    const auto sockets = unconnected(3);
    Parking parking = keeper.parking();
    for (const UniqueFd& socket : sockets) parking.park(socket.get());
    parking.unpark(sockets[0].get());
    parking.unpark(sockets[1].get(), Parking::When::AtOnce);
    parking.unpark(sockets[1].get(), Parking::When::AtOnce);
    CHECK(keeper.ids() == std::vector{socket_id(sockets[2].get())});
}

TEST_CASE("parking without ends keeps nothing") {
    Parking parking;
    const auto sockets = unconnected(1);
    parking.park(sockets[0].get());
    parking.unpark(sockets[0].get(), Parking::When::AtOnce);
    CHECK(parking.found().empty());
}

TEST_CASE("a thousand descriptors that come and go: those that are parked are found, each once") {
    rlimit limit{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlimit before = limit;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 8192);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (const int rounds : {0, 1, 3}) {
        CAPTURE(rounds);
        Keeper keeper;
        auto sockets = unconnected(1000);
        Parking parking = keeper.parking();
        for (const UniqueFd& socket : sockets) parking.park(socket.get());
        for (std::size_t i = 0; i < sockets.size() * static_cast<std::size_t>(rounds); ++i) {
            UniqueFd& socket = sockets[i % sockets.size()];
            parking.unpark(socket.get());
            socket = loopback::tcp_socket(AF_INET);
            parking.park(socket.get());
        }
        parking.unpark(sockets[0].get(), Parking::When::AtOnce);
        parking.park(sockets[0].get());
        CHECK(keeper.ids() == ids_of(sockets));
        CHECK(keeper.troubles == 0);
    }
    setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("a process that was killed while it compacted has lost nothing and doubled nothing") {
    for (const std::size_t in_use : {std::size_t{0}, std::size_t{1}}) {
        for (const std::size_t copied : {1, 100, 199, 200}) {
            CAPTURE(in_use);
            CAPTURE(copied);
            Keeper keeper;
            const auto sockets = unconnected(200);
            const Parking::Ends ends = keeper.ends();
            for (const UniqueFd& socket : sockets) {
                REQUIRE(put(ends[1 - in_use].get(), socket.get()));
            }
            for (std::size_t i = 0; i < copied; ++i) {
                REQUIRE(put(ends[in_use].get(), sockets[i].get()));
            }
            // The old queue was emptied from its front, if all had been copied.
            char byte = 0;
            for (int i = 0; copied == 200 && i < 70; ++i) {
                REQUIRE(recv(ends[in_use].get(), &byte, 1, MSG_DONTWAIT) == 1);
            }
            CHECK(keeper.ids() == ids_of(sockets));
            CHECK(keeper.ids() == ids_of(sockets));
            Parking parking = keeper.parking();
            parking.unpark(*parking.find(socket_id(sockets[0].get())), Parking::When::AtOnce);
            CHECK(keeper.ids().size() == 199);
            CHECK(keeper.troubles == 0);
        }
    }
}

TEST_CASE("a listener is found by its address, and the port is free once it has ended") {
    Keeper keeper;
    loopback::Address address;
    std::string text;
    {
        UniqueFd listener = loopback::listen_on(loopback::any_port(AF_INET));
        address = loopback::address_of(listener.get());
        text = local_address_text(listener.get());
        keeper.parking().park(listener.get());
    }
    CHECK(!loopback::listen_on(address));  // The copy holds it.
    Parking parking = keeper.parking();
    CHECK(!parking.claim_listener("127.0.0.1:1"));
    UniqueFd listener = parking.claim_listener(text);
    REQUIRE(listener);
    CHECK(is_listening(listener.get()));
    shutdown(listener.get(), SHUT_RDWR);
    parking.unpark(listener.get(), Parking::When::AtOnce);
    listener.reset();
    CHECK(loopback::listen_on(address));
}

TEST_CASE(
    "an abort reaches the peer as a reset, and a shutdown as an end, although a copy is parked") {
    Keeper keeper;
    Parking parking = keeper.parking();
    for (const bool aborts : {true, false}) {
        CAPTURE(aborts);
        auto [peer, own] = loopback::connection();
        parking.park(own.get());
        aborts ? abort_connection(own.get()) : (void)shutdown(own.get(), SHUT_RDWR);
        parking.unpark(own.get());
        own.reset();
        char byte = 0;
        const ssize_t size = recv(peer.get(), &byte, 1, 0);
        CHECK(size == (aborts ? -1 : 0));
        if (aborts) CHECK(errno == ECONNRESET);
    }
    CHECK(keeper.ids().size() == 2);  // The copies are there still.
}

// The kernel counts what is in flight by user, and lets root do as it likes. Credentials belong to
// a thread, so it is enough that one is nobody.
TEST_CASE("trouble is told once, and what could not be parked is parked with the next") {
    Keeper keeper;
    const auto sockets = unconnected(41);
    Parking parking = keeper.parking();
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit low{16, before.rlim_max};
    std::thread nobody{[&] {
        constexpr int id = 65534;
        if (geteuid() == 0) syscall(SYS_setresuid, id, id, id);
        REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
        for (std::size_t i = 0; i < 40; ++i) parking.park(sockets[i].get());
        CHECK(keeper.troubles == 1);
        setrlimit(RLIMIT_NOFILE, &before);
        parking.park(sockets[40].get());
    }};
    nobody.join();
    CHECK(keeper.ids() == ids_of(sockets));
    CHECK(keeper.troubles == 1);
}
