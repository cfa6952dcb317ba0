#include <doctest/doctest.h>

#include "ctl/visiting/rdp_settings.h"
#include "ctl/visiting/ssh_hosts.h"

using namespace relay;

namespace {

const Gateway gateway = gateway_of("alice@vps.example.com");

ForwardSnapshot forward(const char* home, const char* listen, const char* target,
                        const char* probe = "auto") {
    return {.home = home, .listen = listen, .target = target, .probe_kind = probe};
}

}  // namespace

TEST_CASE("two homes behind two ports of one address have two names and two keys") {
    const auto hosts = ssh_hosts({forward("work-pc", "127.0.0.1:2222", "127.0.0.1:22"),
                                  forward("lab", "127.0.0.1:2223", "127.0.0.1:22")},
                                 gateway);
    REQUIRE(hosts.size() == 2);
    CHECK(ssh_config_text(hosts, "") ==
          "# SSH servers behind relayd: append to ~/.ssh/config, then: ssh NAME\n"
          "\n"
          "Host work-pc\n"
          "    HostName 127.0.0.1\n"
          "    Port 2222\n"
          "    HostKeyAlias relayd+work-pc\n"
          "    ProxyJump alice@vps.example.com\n"
          "    #User your-name-there\n"
          "\n"
          "Host lab\n"
          "    HostName 127.0.0.1\n"
          "    Port 2223\n"
          "    HostKeyAlias relayd+lab\n"
          "    ProxyJump alice@vps.example.com\n"
          "    #User your-name-there\n");
    CHECK(ssh_config_text(hosts, "bob").find("    User bob\n") != std::string::npos);
    CHECK(ssh_hosts_json({hosts[0]}, "bob") ==
          R"({"hosts":[{"host":"work-pc","hostname":"127.0.0.1","port":2222,)"
          R"("hostkeyalias":"relayd+work-pc","proxyjump":"alice@vps.example.com","user":"bob"}]})"
          "\n");
}

TEST_CASE("a listener that is open to visitors needs no jump") {
    const auto hosts = ssh_hosts(
        {forward("a", "0.0.0.0:2222", "127.0.0.1:22"),
         forward("b", "203.0.113.7:22", "127.0.0.1:22"), forward("c", "[::]:2223", "127.0.0.1:22")},
        gateway);
    REQUIRE(hosts.size() == 3);
    CHECK(hosts[0].host_name == "vps.example.com");
    CHECK(hosts[1].host_name == "203.0.113.7");
    CHECK(hosts[2].host_name == "vps.example.com");
    for (const auto& host : hosts) CHECK(host.jump.empty());
}

TEST_CASE("only SSH servers are hosts, by their probe or by their port") {
    const auto hosts = ssh_hosts({forward("a", "127.0.0.1:3389", "127.0.0.1:3389"),
                                  forward("a", "127.0.0.1:22", "127.0.0.1:22", "none"),
                                  forward("a", "127.0.0.1:2200", "127.0.0.1:2200", "ssh")},
                                 gateway);
    REQUIRE(hosts.size() == 1);
    CHECK(hosts[0].name == "a-2200");
}

TEST_CASE("two ways to one server have two names and one key, two servers never one") {
    const auto hosts = ssh_hosts({forward("a", "127.0.0.1:1", "192.168.1.10:22"),
                                  forward("a", "127.0.0.1:2", "192.168.1.10:22"),
                                  forward("a-192.168.1.10", "127.0.0.1:3", "127.0.0.1:22"),
                                  forward("a", "127.0.0.1:4", "[2001:db8::1]:22")},
                                 gateway);
    REQUIRE(hosts.size() == 4);
    CHECK(hosts[0].name == "a-192.168.1.10");
    CHECK(hosts[1].name == "a-192.168.1.10-by-2");
    CHECK(hosts[2].name == "a-192.168.1.10-by-3");
    CHECK(hosts[3].name == "a-2001.db8..1");
    CHECK(hosts[0].key_alias == hosts[1].key_alias);
    CHECK(hosts[0].key_alias != hosts[2].key_alias);
}

TEST_CASE("a desktop behind loopback is reached by ssh -L, an open one at the gateway") {
    const auto closed = rdp_way(forward("a", "127.0.0.1:3389", "127.0.0.1:3389"), gateway, 13389);
    CHECK(closed.address == "127.0.0.1:13389");
    CHECK(closed.tunnel == "ssh -N -L 13389:127.0.0.1:3389 alice@vps.example.com");
    const auto open = rdp_way(forward("a", "0.0.0.0:3390", "127.0.0.1:3389"), gateway, 13389);
    CHECK(open.address == "vps.example.com:3390");
    CHECK(open.tunnel.empty());
    const auto other = gateway_of("alice@vps.example.com:2022");
    CHECK(other.host == "vps.example.com");
    CHECK(other.jump == "alice@vps.example.com:2022");
    CHECK(rdp_way(forward("a", "127.0.0.1:3389", "127.0.0.1:3389"), other, 1).tunnel ==
          "ssh -N -L 1:127.0.0.1:3389 -p 2022 alice@vps.example.com");
}

TEST_CASE("each line of a .rdp file is name, type and value, and ends in CRLF") {
    const auto text = rdp_file_text({"127.0.0.1:13389", {}});
    CHECK(text.starts_with("full address:s:127.0.0.1:13389\r\n"));
    CHECK(text.find("password") == std::string::npos);
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find("\r\n", at);
        REQUIRE(end != std::string::npos);
        const auto line = text.substr(at, end - at);
        const auto name = line.find(':');
        REQUIRE(name != std::string::npos);
        CHECK((line[name + 1] == 's' || line[name + 1] == 'i'));
        CHECK(line[name + 2] == ':');
        at = end + 2;
    }
}
