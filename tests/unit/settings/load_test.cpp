#include "common/settings/load.h"

#include <doctest/doctest.h>

using namespace relay;
using namespace std::chrono_literals;

namespace {

#define KEY_A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh a"
#define KEY_B "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJi b"

LoadOutcome load(const std::string& text, const std::vector<NamedText>& homes_d = {}) {
    return load_settings({"relayd.yaml", text}, homes_d);
}

Settings loaded(const std::string& text, const std::vector<NamedText>& homes_d = {}) {
    auto outcome = load(text, homes_d);
    INFO(to_text(outcome.diagnostics));
    REQUIRE(outcome.diagnostics.empty());
    REQUIRE(outcome.settings);
    return *std::move(outcome.settings);
}

std::string errors(const std::string& text, const std::vector<NamedText>& homes_d = {}) {
    const auto outcome = load(text, homes_d);
    CHECK(outcome.settings.has_value() == outcome.diagnostics.empty());
    return to_text(outcome.diagnostics);
}

}  // namespace

TEST_CASE("an empty relay section is a relay with all defaults") {
    const auto settings = loaded("relay:\n");
    REQUIRE(settings.relay);
    CHECK_FALSE(settings.home);
    CHECK(settings.log_level == LogLevel::Info);
    CHECK(settings.control_group == "relayd");
    REQUIRE(settings.relay->listen.size() == 1);
    CHECK(to_text(settings.relay->listen[0]) == "wss://0.0.0.0:443");
    CHECK(settings.relay->keep_streams == 10min);
    CHECK(settings.relay->homes.empty());
}

TEST_CASE("a relay's settings are read") {
    const auto settings = loaded(R"(
log-level: debug
control: /run/x.sock
state-dir: /var/lib/x
control-group: adm
relay:
  listen: [ "wss://0.0.0.0:8443/tunnel", "tls://[::]" ]
  public: wss://vps.example.com/tunnel
  certificate: /etc/ssl/x.pem
  certificate-key: /etc/ssl/x.key
  key: /etc/relayd/id
  keep-streams: 1h30m
  ping-interval: 500ms
  ping-deadline: 2s
  probe-interval: 0
  probe-failures: 5
  handshake-timeout: 4s
  streams-per-home: 100
  homes:
    work-pc:
      key: ")" KEY_A R"("
      from: [ 203.0.113.0/24, 2001:db8::1 ]
      forwards:
        - 3389
        - { listen: "127.0.0.1:2222", to: "192.168.1.10:22", probe: ssh, grace: 10m }
        - { listen: "22000-22004", to: "23000-23004" }
  visitors:
    alice: { key: ")" KEY_B R"(", may-reach: [ "work-pc:3389" ] }
)");
    CHECK(settings.log_level == LogLevel::Debug);
    CHECK(settings.control == "/run/x.sock");
    CHECK(settings.state_dir == "/var/lib/x");
    CHECK(settings.control_group == "adm");
    const auto& relay = *settings.relay;
    REQUIRE(relay.listen.size() == 2);
    CHECK(to_text(relay.listen[0]) == "wss://0.0.0.0:8443/tunnel");
    CHECK(to_text(relay.listen[1]) == "tls://[::]:443");
    REQUIRE(relay.public_endpoint);
    CHECK(to_text(*relay.public_endpoint) == "wss://vps.example.com:443/tunnel");
    CHECK(relay.certificate == "/etc/ssl/x.pem");
    CHECK(relay.certificate_key == "/etc/ssl/x.key");
    CHECK(relay.key == "/etc/relayd/id");
    CHECK(relay.keep_streams == 90min);
    CHECK(relay.ping_interval == 500ms);
    CHECK(relay.ping_deadline == 2s);
    CHECK(relay.probe_interval == 0s);
    CHECK(relay.probe_failures == 5);
    CHECK(relay.handshake_timeout == 4s);
    CHECK(relay.streams_per_home == 100);

    const auto& home = relay.homes.at("work-pc");
    REQUIRE(home.keys.size() == 1);
    CHECK(home.keys[0].comment == "a");
    REQUIRE(home.from.size() == 2);
    CHECK(to_text(home.from[0]) == "203.0.113.0/24");
    REQUIRE(home.forwards.size() == 7);
    CHECK(to_text(home.forwards[0].listen) == "127.0.0.1:3389");
    CHECK(home.forwards[0].target == home.forwards[0].listen);
    CHECK(home.forwards[0].probe == ProbeKind::Auto);
    CHECK(home.forwards[0].grace == 30s);
    CHECK(to_text(home.forwards[1].target) == "192.168.1.10:22");
    CHECK(home.forwards[1].probe == ProbeKind::Ssh);
    CHECK(home.forwards[1].grace == 10min);
    CHECK(to_text(home.forwards[6].listen) == "127.0.0.1:22004");
    CHECK(to_text(home.forwards[6].target) == "127.0.0.1:23004");
}

TEST_CASE("each of several relays has what it says, and otherwise what the home says") {
    const auto settings = loaded(R"(
home:
  name: work-pc
  carrier: wss
  tls-verify: system
  forwards: [ 3389 ]
  relays:
    berlin: { relay: wss://berlin.example.com, tls-verify: none, reach: [ "relay:5432" ] }
    paris: { relay: [ wss://a.example.com, wss://b.example.com ], carrier: poll, forwards: [ 22 ] }
)");
    const auto& home = *settings.home;
    CHECK(home.relays.empty());
    CHECK(endpoints_of(home).size() == 3);
    const auto relays = relays_of(home);
    REQUIRE(relays.size() == 2);
    const auto& berlin = relays.at("berlin");
    CHECK(berlin.name == "work-pc");
    CHECK(to_text(berlin.relays.at(0)) == "wss://berlin.example.com:443");
    CHECK(berlin.roads.carrier == CarrierChoice::Wss);
    CHECK(berlin.tls_verify == TlsVerify::None);
    CHECK(to_text(berlin.forwards.at(0).listen) == "127.0.0.1:3389");
    CHECK(to_text(berlin.reach.at(0).target) == "relay:5432");
    const auto& paris = relays.at("paris");
    CHECK(paris.relays.size() == 2);
    CHECK(paris.roads.carrier == CarrierChoice::Poll);
    CHECK(paris.tls_verify == TlsVerify::System);
    REQUIRE(paris.forwards.size() == 1);
    CHECK(to_text(paris.forwards[0].listen) == "127.0.0.1:22");
    CHECK(paris.reach.empty());
}

TEST_CASE("a single relay has no name") {
    const auto relays = relays_of(*loaded("home: { name: a, relay: wss://r }").home);
    REQUIRE(relays.size() == 1);
    CHECK(relays.begin()->first.empty());
    CHECK(relays.begin()->second.relays.size() == 1);
}

TEST_CASE("a home's settings are read") {
    const auto settings = loaded(R"(
home:
  name: work-pc
  relay: [ wss://vps.example.com, ws://10.0.0.1:8080 ]
  relay-key: SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
  key: /etc/relayd/id_ed25519
  proxy: http://user:pass@proxy:8080
  allow: [ "127.0.0.1:3389", "192.168.1.0/24:22" ]
  tls-verify: /etc/ssl/ca.pem
  connect-timeout: 5s
  reconnect-first: 100ms
  reconnect-most: 1m
  carrier: poll
  road-patience: 500ms
  road-retry-first: 2s
)");
    const auto& home = *settings.home;
    CHECK(home.name == "work-pc");
    REQUIRE(home.relays.size() == 2);
    CHECK(to_text(home.relays[0]) == "wss://vps.example.com:443");
    CHECK(to_text(home.relays[1]) == "ws://10.0.0.1:8080");
    REQUIRE(home.relay_key);
    CHECK(to_text(*home.relay_key) == "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
    CHECK(home.proxy == "http://user:pass@proxy:8080");
    REQUIRE(home.allow.size() == 2);
    CHECK(to_text(home.allow[1]) == "192.168.1.0/24:22");
    CHECK(home.tls_verify == TlsVerify::File);
    CHECK(home.tls_verify_file == "/etc/ssl/ca.pem");
    CHECK(home.connect_timeout == 5s);
    CHECK(home.reconnect_first == 100ms);
    CHECK(home.reconnect_most == 1min);
    CHECK(home.roads == RoadSettings{CarrierChoice::Poll, 500ms, 2s, 10min});
}

TEST_CASE("what gets through carries, unless a carrier is named") {
    CHECK(loaded("home: { name: a, relay: wss://r }").home->roads == RoadSettings{});
    CHECK(loaded("visit: { relay: wss://r, carrier: wss, dynamic: 1080 }").visit->roads.carrier ==
          CarrierChoice::Wss);
    CHECK(errors("home: { name: a, relay: wss://r, carrier: tls }") ==
          "relayd.yaml:1:43: error: carrier: allowed are auto, wss and poll\n");
}

TEST_CASE("one relay needs no list") {
    CHECK(loaded("home: { name: a, relay: wss://r }").home->relays.size() == 1);
}

TEST_CASE("each file of homes.d is one home") {
    const auto settings = loaded("relay:\n", {{"/etc/relayd/homes.d/a.yaml", "key: " KEY_A},
                                              {"/etc/relayd/homes.d/b.yaml", "key: " KEY_B}});
    CHECK(settings.relay->homes.size() == 2);
    CHECK(settings.relay->homes.at("b").keys[0].comment == "b");
}

TEST_CASE("errors in homes.d name their own file") {
    CHECK(errors("relay:\n", {{"homes.d/a.yaml", "key: " KEY_A "\nform: 10.0.0.0/8\n"}}) ==
          "homes.d/a.yaml:2:1: error: unknown setting 'form' in 'a': did you mean 'from'?\n");
    CHECK(errors("relay: { homes: { a: { key: " KEY_A " } } }",
                 {{"homes.d/a.yaml", "key: " KEY_B}}) ==
          "homes.d/a.yaml: error: the home 'a' is also at relayd.yaml:1:19\n");
    CHECK(errors("home: { name: a, relay: wss://r }", {{"homes.d/a.yaml", "key: " KEY_A}}) ==
          "homes.d/a.yaml: error: describes a home of a relay, and this is not one\n");
    CHECK(errors("relay:\n", {{"homes.d/a b.yaml", "key: " KEY_A}}).find("the file's name") !=
          std::string::npos);
}

TEST_CASE("one key cannot be two homes, in whatever files they are") {
    CHECK(errors("relay:\n", {{"a.yaml", "key: " KEY_A}, {"b.yaml", "key: " KEY_A}}) ==
          "b.yaml:1:6: error: this key is already that of 'a' at a.yaml:1:6\n");
}

TEST_CASE("every error is told at once, from the top to the end") {
    CHECK(errors("relay:\n  lisen: []\n  keep-streams: soon\n  probe-failures: 0\n") ==
          "relayd.yaml:2:3: error: unknown setting 'lisen' in 'relay': did you mean 'listen'?\n"
          "relayd.yaml:3:17: error: keep-streams: 'soon' is not a duration: write a number and a "
          "unit (ms, s, m, h, d), such as 500ms, 30s or 1h30m\n"
          "relayd.yaml:4:19: error: probe-failures: '0' is not allowed: write a number from 1 to "
          "1000\n");
}

TEST_CASE("of very many errors the first hundred are told") {
    std::string text = "relay:\n";
    for (int i = 0; i < 500; ++i) text += "  wrong" + std::to_string(i) + ": 1\n";
    const auto outcome = load(text);
    REQUIRE(outcome.diagnostics.size() == 101);
    CHECK(to_text(outcome.diagnostics.back()) == "relayd.yaml: error: and 400 more errors");
}

TEST_CASE("a relay's proxies and its web server are read") {
    const auto settings = loaded(R"(
relay:
  trusted-proxies: [ 127.0.0.1, "2001:db8::/32" ]
  fallback: { to: 127.0.0.1:8080, proxy-protocol: v1 }
)");
    const auto& relay = *settings.relay;
    REQUIRE(relay.trusted_proxies.size() == 2);
    CHECK(to_text(relay.trusted_proxies[1]) == "2001:db8::/32");
    REQUIRE(relay.fallback);
    CHECK(to_text(relay.fallback->to) == "127.0.0.1:8080");
    CHECK(relay.fallback->proxy_protocol == FallbackSettings::ProxyProtocol::V1);

    const auto other = loaded("relay:\n  fallback: unix:/run/site.sock\n");
    CHECK(other.relay->fallback->path == "/run/site.sock");
    CHECK(other.relay->trusted_proxies.empty());
}
