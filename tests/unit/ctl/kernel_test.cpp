#include <doctest/doctest.h>

#include "ctl/kernel/cgroup.h"
#include "ctl/kernel/proc.h"
#include "ctl/kernel/ssh_connection.h"

using namespace relay;

namespace {

SocketAddress at(const char* address, std::uint16_t port) {
    return {*parse_ip_address(address), port};
}

TcpListening listening(const char* address, std::uint16_t port) {
    return {at(address, port), 0, 0, {}};
}

}  // namespace

TEST_CASE("the control group of version 2 is found beside those of version 1") {
    CHECK(cgroup_in("0::/init.scope\n") == "/init.scope");
    CHECK(
        cgroup_in("12:cpu:/a\n1:name=systemd:/b\n0::/user.slice/user-1.slice/session-4.scope\n") ==
        "/user.slice/user-1.slice/session-4.scope");
    CHECK(cgroup_in("0::/") == "/");
    CHECK_FALSE(cgroup_in("1:name=systemd:/b\n"));
    CHECK_FALSE(cgroup_in("0::relative"));
    CHECK_FALSE(cgroup_in(""));
}

TEST_CASE("a login session is known by its scope") {
    CHECK(login_session_of("/user.slice/user-1001.slice/session-9.scope") == "9");
    CHECK(login_session_of("/user.slice/user-0.slice/session-c12.scope/below") == "c12");
    CHECK_FALSE(login_session_of("/system.slice/ssh.service"));
    CHECK_FALSE(login_session_of("/user.slice/user-1001.slice/session-.scope"));
    CHECK_FALSE(login_session_of("/xsession-9.scope"));
    CHECK_FALSE(login_session_of(""));
}

TEST_CASE("names of processes may have anything in them") {
    const std::string rest = " S 77 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1 1";
    const auto plain = parse_proc_stat("42 (sshd)" + rest);
    REQUIRE(plain);
    CHECK(plain->name == "sshd");
    CHECK(plain->parent == 77);
    CHECK(plain->started_ticks == 987654);
    const auto odd = parse_proc_stat("42 (a) S 1 (b)" + rest);
    REQUIRE(odd);
    CHECK(odd->name == "a) S 1 (b");
    CHECK(odd->parent == 77);
    for (const char* text : {"", "42", "42 (sshd", "42 sshd) S 1", "42 (sshd) S 77 1", ")(",
                             "42 (sshd) S x 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 9"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_proc_stat(text));
    }
}

TEST_CASE("SSH_CONNECTION has both ends") {
    const auto v4 = parse_ssh_connection("10.0.0.2 50022 10.0.0.1 22");
    REQUIRE(v4);
    CHECK(v4->client == at("10.0.0.2", 50022));
    CHECK(to_text(v4->server) == "10.0.0.1:22");
    const auto v6 = parse_ssh_connection("fe80::1%eth0 50022 2001:db8::2 22");
    REQUIRE(v6);
    CHECK(to_text(v6->client) == "[fe80::1]:50022");
    for (const char* text :
         {"", "10.0.0.2 50022 10.0.0.1", "10.0.0.2 0 10.0.0.1 22", "10.0.0.2 50022 10.0.0.1 22 ",
          "10.0.0.2 65536 10.0.0.1 22", "host 1 host 2", "UNKNOWN 65535 UNKNOWN 65535"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_ssh_connection(text));
    }
}

TEST_CASE("who dials an address gets the listeners that stand there") {
    const std::vector<TcpListening> all = {listening("127.0.0.1", 1), listening("::1", 1),
                                           listening("0.0.0.0", 1), listening("::", 1),
                                           listening("127.0.0.1", 2)};
    const auto count = [&](const SocketAddress& where) { return listening_at(all, where).size(); };
    CHECK(count(at("127.0.0.1", 1)) == 3);  // Its own, 0.0.0.0, and :: unless restricted.
    CHECK(count(at("::1", 1)) == 2);
    CHECK(count(at("10.0.0.1", 1)) == 2);
    CHECK(count(at("::", 1)) == 4);
    CHECK(count(at("127.0.0.1", 2)) == 1);
    CHECK(count(at("127.0.0.1", 3)) == 0);
}
