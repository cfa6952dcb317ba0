#include "daemon/io/passed_listeners.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>

#include "daemon/io/loop.h"
#include "daemon/io/tcp_listener.h"
#include "daemon/io/tcp_socket.h"
#include "tests/unit/daemon/io/loopback.h"

using namespace relay;

namespace {

UniqueFd listener_of_the_manager() {
    return loopback::listen_on(loopback::any_port(AF_INET));
}

std::uint16_t port_in(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

}  // namespace

TEST_CASE("a passed listener serves who asks for its address, and nobody else") {
    UniqueFd listening = listener_of_the_manager();
    const std::string address = local_address_text(listening.get());
    PassedListeners passed;
    REQUIRE(passed.add(std::move(listening)));
    CHECK(passed.addresses() == std::vector<std::string>{address});
    CHECK(passed.has(address));
    CHECK(!passed.has("127.0.0.1:1"));
    CHECK(!passed.open("127.0.0.1:1"));
    CHECK(passed.unserved().size() == 1);
    const UniqueFd copy = passed.open(address);
    REQUIRE(copy);
    CHECK((fcntl(copy.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(copy.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(passed.unserved().empty());
    passed.closed(copy.get());
    CHECK(passed.unserved().size() == 1);
}

TEST_CASE("what does not listen is not taken") {
    auto [one, other] = loopback::connection();
    PassedListeners passed;
    CHECK(!passed.add(std::move(one)));
    CHECK(!passed.add(UniqueFd{socket(AF_UNIX, SOCK_STREAM, 0)}));
    CHECK(!passed.add(UniqueFd{open("/dev/null", O_RDONLY | O_CLOEXEC)}));
    CHECK(passed.addresses().empty());
}

TEST_CASE("a socket of [::] that takes IPv4 as well serves 0.0.0.0") {
    if (!loopback::has(AF_INET6)) return;
    for (const int is_ipv6_only : {0, 1}) {
        UniqueFd fd{socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        REQUIRE(setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &is_ipv6_only,
                           sizeof is_ipv6_only) == 0);
        REQUIRE(listen(fd.get(), 1) == 0);  // On [::] and a port of the system's choice.
        const std::string port = std::to_string(port_in(local_address_text(fd.get())));
        PassedListeners passed;
        REQUIRE(passed.add(std::move(fd)));
        CHECK(passed.has("[::]:" + port));
        CHECK(passed.has("0.0.0.0:" + port) == (is_ipv6_only == 0));
        CHECK(!passed.has("127.0.0.1:" + port));
    }
}

TEST_CASE("a listener over a passed socket leaves it listening when it ends") {
    UniqueFd listening = listener_of_the_manager();
    const UniqueFd of_the_manager{fcntl(listening.get(), F_DUPFD_CLOEXEC, 0)};
    const std::string address = local_address_text(listening.get());
    Loop loop;
    Parking parking;
    REQUIRE(parking.passed().add(std::move(listening)));
    for (int time = 0; time < 2; ++time) {
        int came = 0;
        auto listener = TcpListener::open(
            loop, "127.0.0.1", port_in(address),
            [&](Accepted) {
                ++came;
                loop.stop();
            },
            &parking);
        REQUIRE(listener);
        CHECK(parking.passed().unserved().empty());
        auto there = loopback::address_of(of_the_manager.get());
        const UniqueFd visitor = loopback::tcp_socket(AF_INET);
        REQUIRE(connect(visitor.get(), there.get(), there.size) == 0);
        loop.run();
        CHECK(came == 1);
        listener->reset();
        CHECK(parking.passed().unserved().size() == 1);
        CHECK(is_listening(of_the_manager.get()));
    }
}
