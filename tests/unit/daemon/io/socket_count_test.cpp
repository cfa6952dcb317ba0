#include "daemon/io/socket_count.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <thread>
#include <vector>

#include "daemon/io/tcp_socket.h"
#include "tests/unit/daemon/io/loopback.h"

using namespace relay;

namespace {

constexpr std::size_t most_at_once = 100000;

enum class Role { Accepted, Connected };

void set_buffers(int fd, int bytes) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

// Goes on until a byte is there, or the end, and leaves it.
void wait_for_input(int fd) {
    pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
    REQUIRE(poll(&wanted, 1, 20000) == 1);
}

// A connection, and what was really done with our end of it.
class Watched {
public:
    Watched(int listener, Role role) : role_(role) {
        auto [connected, accepted] = loopback::connection(listener);
        ours_ = std::move(role == Role::Accepted ? accepted : connected);
        theirs_ = std::move(role == Role::Accepted ? connected : accepted);
        set_urgent_in_line(ours_.get());
        const auto base = count_of_socket(ours_.get());
        REQUIRE(base);
        base_ = *base;
    }

    int ours() const { return ours_.get(); }
    int theirs() const { return theirs_.get(); }
    bool is_over() const { return we_ended_ && they_ended_; }

    void write(std::size_t size, int flags = 0) {
        const ssize_t done = send(ours(), buffer_.data(), size, flags | quiet);
        written_ += done > 0 ? static_cast<std::uint64_t>(done) : 0;
    }
    void read(std::size_t size) {
        const ssize_t done = recv(ours(), buffer_.data(), size, MSG_DONTWAIT);
        read_ += done > 0 ? static_cast<std::uint64_t>(done) : 0;
        if (done == 0 && size > 0) saw_end_ = true;
    }
    void end() {
        if (!std::exchange(we_ended_, true)) REQUIRE(shutdown(ours(), SHUT_WR) == 0);
    }
    void peer_writes(std::size_t size, int flags = 0) {
        const ssize_t done = send(theirs(), buffer_.data(), size, flags | quiet);
        peer_wrote_ += done > 0 ? static_cast<std::uint64_t>(done) : 0;
    }
    void peer_reads(std::size_t size) { (void)recv(theirs(), buffer_.data(), size, MSG_DONTWAIT); }
    void peer_ends() {
        if (!std::exchange(they_ended_, true)) REQUIRE(shutdown(theirs(), SHUT_WR) == 0);
    }

    void check_counts() const {
        const auto count = count_of_socket(ours());
        REQUIRE(count);
        REQUIRE(count->given - base_.given == read_);
        REQUIRE(count->taken - base_.taken == written_);
    }
    // While the peer does nothing meanwhile.
    void check_facts() const {
        const bool all_read = they_ended_ && read_ == peer_wrote_;
        const bool says_end = is_read_to_its_end(ours());
        REQUIRE((!says_end || all_read));
        REQUIRE((!saw_end_ || says_end));
        if (role_ == Role::Connected) return;
        REQUIRE(is_untouched(ours()) == (read_ == 0 && written_ == 0 && !we_ended_));
    }

private:
    static constexpr int quiet = MSG_DONTWAIT | MSG_NOSIGNAL;

    Role role_;
    UniqueFd ours_, theirs_;
    SocketCount base_;
    std::vector<char> buffer_ = std::vector<char>(most_at_once);
    std::uint64_t read_ = 0, written_ = 0, peer_wrote_ = 0;
    bool we_ended_ = false, they_ended_ = false, saw_end_ = false;
};

class Chance {
public:
    explicit Chance(unsigned seed) : random_(seed) {}
    std::size_t below(std::size_t n) { return random_() % n; }
    bool one_in(std::size_t n) { return below(n) == 0; }
    // Few bytes as often as many.
    std::size_t size() { return 1 + below(std::size_t{1} << (1 + below(16))); }

private:
    std::mt19937 random_;
};

void do_something(Watched& connection, Chance& chance) {
    switch (chance.below(10)) {
        case 0:
        case 1: return connection.write(chance.size());
        case 2: return connection.write(chance.size(), MSG_MORE);
        case 3:
        case 4: return connection.read(chance.size());
        case 5: return connection.peer_writes(chance.size());
        case 6: return connection.peer_writes(chance.size(), MSG_MORE);
        case 7: return connection.peer_reads(chance.size());
        case 8:
            if (chance.one_in(2)) return connection.write(1, MSG_OOB);
            return connection.peer_writes(1, MSG_OOB);
        case 9:
            if (chance.one_in(8)) return connection.end();
            if (chance.one_in(8)) return connection.peer_ends();
    }
}

// The peer of `ours` reads and writes as fast as it can, in a thread of its own.
class Rush {
public:
    Rush(int ours, int theirs) : ours_(ours), peer_([theirs] { run(theirs); }) {}
    ~Rush() {
        shutdown(ours_, SHUT_RDWR);
        peer_.join();
    }

private:
    static void run(int fd) {
        std::vector<char> buffer(65536);
        for (;;) {
            pollfd wanted{.fd = fd, .events = POLLIN | POLLOUT, .revents = 0};
            if (poll(&wanted, 1, -1) < 0) return;
            const ssize_t read = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (read == 0 || (read < 0 && errno != EAGAIN)) return;
            (void)send(fd, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    }

    int ours_;
    std::thread peer_;
};

template <typename Do>
void for_each_kind(Do&& act) {
    for (const int family : {AF_INET, AF_INET6}) {
        if (!loopback::has(family)) {
            MESSAGE("no loopback of family " << family);
            continue;
        }
        const UniqueFd listener = loopback::listen_on(loopback::any_port(family));
        for (const Role role : {Role::Accepted, Role::Connected}) {
            CAPTURE(family);
            CAPTURE(static_cast<int>(role));
            act(listener.get(), role);
        }
    }
}

unsigned new_seed() {
    return std::random_device{}();
}

}  // namespace

TEST_CASE("whatever was done, the kernel counts what was read and written") {
    for_each_kind([](int listener, Role role) {
        const unsigned seed = new_seed();
        CAPTURE(seed);
        Chance chance{seed};
        std::optional<Watched> connection;
        for (int step = 0; step < 10000; ++step) {
            CAPTURE(step);
            if (!connection || chance.one_in(connection->is_over() ? 10 : 200)) {
                connection.emplace(listener, role);
                if (chance.one_in(2)) set_buffers(connection->ours(), 4096);
                if (chance.one_in(2)) set_buffers(connection->theirs(), 4096);
                if (chance.one_in(2)) set_no_delay(connection->ours());
            }
            do_something(*connection, chance);
            connection->check_counts();
            connection->check_facts();
        }
    });
}

TEST_CASE("the counts agree while the peer reads and writes at full speed") {
    for_each_kind([](int listener, Role role) {
        const unsigned seed = new_seed();
        CAPTURE(seed);
        Chance chance{seed};
        for (int renewal = 0; renewal < 5; ++renewal) {
            Watched connection{listener, role};
            const Rush peer{connection.ours(), connection.theirs()};
            for (int step = 0; step < 500; ++step) {
                chance.one_in(2) ? connection.write(chance.size()) : connection.read(chance.size());
                connection.check_counts();
            }
        }
    });
}

TEST_CASE(
    "a connection that both have ended is counted still, with bytes that nobody has read yet") {
    for_each_kind([](int listener, Role role) {
        for (const bool we_are_first : {true, false}) {
            Watched connection{listener, role};
            connection.write(1000);
            connection.peer_writes(3000);
            we_are_first ? connection.end() : connection.peer_ends();
            we_are_first ? connection.peer_ends() : connection.end();
            connection.peer_reads(most_at_once);
            connection.read(1000);
            connection.check_counts();
            CHECK(!is_read_to_its_end(connection.ours()));
            connection.read(2000);
            connection.check_counts();
            wait_for_input(connection.ours());
            CHECK(is_read_to_its_end(connection.ours()));
            connection.read(1);
            connection.check_counts();
            connection.check_facts();
        }
    });
}

TEST_CASE("what is no TCP connection has no count") {
    const UniqueFd listener = loopback::listen_on(loopback::any_port(AF_INET));
    const UniqueFd unconnected = loopback::tcp_socket(AF_INET);
    // Its queue is full of one, so another remains on its way.
    const UniqueFd deaf = loopback::listen_on(loopback::any_port(AF_INET), 0);
    const UniqueFd first = loopback::connect_to(deaf.get());
    const UniqueFd waits = loopback::connect_to(deaf.get(), SOCK_NONBLOCK);
    const UniqueFd unix_socket{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    for (const int fd : {listener.get(), unconnected.get(), waits.get(), unix_socket.get(), -1}) {
        CAPTURE(fd);
        CHECK(!count_of_socket(fd));
        CHECK(!is_read_to_its_end(fd));
        CHECK(!is_untouched(fd));
    }
}

TEST_CASE("a connection that failed has no count, and is neither untouched nor read to its end") {
    for_each_kind([](int listener, Role role) {
        for (const bool by_us : {true, false}) {
            CAPTURE(by_us);
            Watched connection{listener, role};
            connection.peer_writes(1000);
            connection.read(1000);
            connection.write(1000);
            abort_connection(by_us ? connection.ours() : connection.theirs());
            wait_for_input(connection.ours());
            for (int ask = 0; ask < 2; ++ask) {  // The first takes the socket's error.
                CAPTURE(ask);
                CHECK(!count_of_socket(connection.ours()));
                CHECK(!is_read_to_its_end(connection.ours()));
                CHECK(!is_untouched(connection.ours()));
            }
        }
    });
}
