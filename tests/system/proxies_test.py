#!/usr/bin/env python3
"""Homes that reach their relay through a proxy and in no other way, which the firewall of their host
makes sure of: every kind of proxy, what its errors say, and what becomes of streams when it dies."""

import os

from harness.clients import connect
from harness.netns import on_host
from harness.parts import make_certificate
from harness.processes import Scene, run, wait_for
from harness.proxies import PASSWORD, USER, Socks, Squid
from harness.relayd import Daemon
from harness.targets import Service, echo
from harness.traffic import exactly
from testhost import Network

FETCHED = 3_000_000
TOKEN = "only-the-proxy-may-see-this"
ONLY_THE_PROXY = """
table inet road {{
  chain departures {{
    type filter hook output priority 0; policy accept;
    oif lo accept
    ip daddr {proxy} accept
    reject
  }}
}}
"""
NGINX = """
daemon off; user root; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    log_format shown '$request_uri $host $ssl_server_name $http_user_agent $http_x_token';
    access_log {folder}/access.log shown;
    server {{
        listen {port} ssl; server_name www.example.com;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        location /tunnel {{
            proxy_pass http://{relay}; proxy_http_version 1.1; proxy_read_timeout 1h;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
        }}
    }}
}}
"""


class Roads:
    """A relay, a host for proxies, and a host whose homes can reach nothing but that."""

    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        self.proxy_within = network.inside("proxy")
        self.port, self.plain_port = scene.free_port(), scene.free_port()
        host = network.addresses["relay"]
        self.url = f"wss://{host}:{self.port}"
        self.plain = f"{host}:{self.plain_port}"
        self.relay = Daemon(scene, "relay", network.inside("relay"))
        self.relay.start("relay", "--listen", self.url, "--listen", f"ws://{self.plain}")
        rules = scene.path("road.nft")
        rules.write_text(ONLY_THE_PROXY.format(proxy=network.addresses["proxy"]))
        run(*network.inside("home", "nft", "-f", rules))
        with on_host(network, "home"):
            self.target = Service(scene, echo).port

    def at_proxy(self, port, scheme="http", user=""):
        return f"{scheme}://{user}{self.network.addresses['proxy']}:{port}"

    def home(self, name, environment=None, relay=None, **lines):
        """A home with a settings file, of which `lines` are more; it starts to dial."""
        home = Daemon(self.scene, name, self.network.inside("home"))
        file = self.scene.path(name, "relayd.yaml")
        lines = {"name": name, "relay": relay or self.url, "allow": f'"127.0.0.1:{self.target}"', **lines}
        file.write_text("home:\n" + "".join(f"  {key.replace('_', '-')}: {value}\n"
                                            for key, value in lines.items()))
        self.relay.relayctl("home", "add", name, home.public_key())
        outside = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        kept = dict(os.environ)
        os.environ.clear()
        os.environ.update({**outside, **(environment or {})})
        try:
            home.start("--config", file)
        finally:
            os.environ.clear()
            os.environ.update(kept)
        return home

    def session(self, name):
        return next((each for each in self.relay.ask("sessions")["sessions"]
                     if each["home"] == name and each["state"] == "attached"), None)

    def comes(self, name):
        return wait_for(f"{name} at the relay", lambda: self.session(name), 30)

    def visit(self, name):
        port = self.scene.free_port()
        self.relay.relayctl("forward", "add", str(port), "--home", name, "--to",
                            f"127.0.0.1:{self.target}", "--probe", "none")
        with on_host(self.network, "relay"):
            return connect(port, 60)


def there_and_back(visitor, size):
    sent = os.urandom(size)
    part = 100_000
    for begin in range(0, size, part):
        piece = sent[begin:begin + part]
        visitor.sendall(piece)
        assert exactly(visitor, len(piece)) == piece


def carries_and_outlives(roads, name, running, **lines):
    """Bytes both ways; then the proxy is killed and started again under an open connection."""
    environment = lines.pop("environment", None)
    home = roads.home(name, environment, **lines)
    session = roads.comes(name)["id"]
    with roads.visit(name) as visitor:
        there_and_back(visitor, FETCHED)
        running.restart()
        there_and_back(visitor, FETCHED)
    assert roads.comes(name)["id"] == session
    assert PASSWORD not in home.log() and TOKEN not in home.log()
    home.process.stop()
    roads.scene.fact(f"{name}: {2 * FETCHED} bytes both ways, and the proxy killed in the middle")


def http_proxies(roads):
    scene, user = roads.scene, f"{USER}:{PASSWORD}@"
    for scheme in (None, "basic", "digest", "ntlm"):
        name = f"squid-{scheme or 'open'}"
        proxy = Squid(scene, name, scheme, within=roads.proxy_within)
        carries_and_outlives(roads, f"by-{name}", proxy,
                             proxy=roads.at_proxy(proxy.port, "http", user if scheme else ""))
        if scheme in ("basic", "digest"):
            names_what_it_offers(roads, proxy, scheme.capitalize())


def names_what_it_offers(roads, proxy, offered):
    for user, reason in (("", "it wants a user and a password"), ("bob:wrong@", "it did not take the user")):
        home = roads.home("outside", proxy=roads.at_proxy(proxy.port, "http", user))
        text = f"proxy {roads.at_proxy(proxy.port)} answered 407: {reason}"
        wait_for(f"{text}, offers {offered}",
                 lambda: text in home.log() and f"and offers {offered}" in home.log())
        assert "wrong" not in home.log()
        home.process.stop()
        roads.relay.relayctl("home", "remove", "outside")
    roads.scene.fact(f"407 is told with what the proxy offers: {offered}")


def socks(roads):
    proxy = Socks(roads.scene, "socks", within=roads.proxy_within)
    for scheme in ("socks5", "socks5h"):
        carries_and_outlives(roads, f"by-{scheme}", proxy, proxy=roads.at_proxy(proxy.port, scheme))
    proxy = Socks(roads.scene, "socks-closed", closed=True, within=roads.proxy_within)
    carries_and_outlives(roads, "by-socks5-user", proxy,
                         proxy=roads.at_proxy(proxy.port, "socks5h", f"{USER}:{PASSWORD}@"))


def a_proxy_behind_tls(roads):
    proxy = Squid(roads.scene, "squid-tls", "basic", tls_at=roads.network.addresses["proxy"],
                  within=roads.proxy_within)
    home = roads.home("stranger", proxy=roads.at_proxy(proxy.port, "https"))
    wait_for("the proxy's certificate to be refused", lambda: "certificate" in home.log())
    home.process.stop()
    roads.scene.fact("an https:// proxy whose certificate nobody vouches for is refused")
    carries_and_outlives(roads, "by-https", proxy, proxy_ca=proxy.certificate,
                         proxy=roads.at_proxy(proxy.port, "https", f"{USER}:{PASSWORD}@"))


def by_environment(roads):
    proxy = Squid(roads.scene, "squid-environment", within=roads.proxy_within)
    environment = {"https_proxy": roads.at_proxy(proxy.port)}
    carries_and_outlives(roads, "by-environment", proxy, environment=environment)
    home = roads.home("by-nobody", {**environment, "no_proxy": roads.network.addresses["relay"]})
    wait_for("a way without the proxy to be tried, and to fail", lambda: home.ask("status").get("problems"))
    assert roads.session("by-nobody") is None
    home.process.stop()
    roads.scene.fact("https_proxy is used, unless no_proxy names the relay")


def shows_what_it_was_told_to(roads):
    proxy = Squid(roads.scene, "squid-shown", within=roads.proxy_within)
    home = roads.home("shown", proxy=roads.at_proxy(proxy.port), user_agent='"Mozilla/5.0 (X11)"',
                      proxy_headers=f'["X-Token: {TOKEN}"]')
    roads.comes("shown")
    assert TOKEN not in home.log()
    home.process.stop()
    roads.relay.relayctl("session", "close", "shown", check=False)
    wait_for("squid to write down what it saw", lambda: "CONNECT" in proxy.log())
    assert "Mozilla/5.0" in proxy.log() and TOKEN in proxy.log(), proxy.log()
    roads.scene.fact("user-agent and proxy-headers are what a proxy sees")


def shows_another_name_to_a_web_server(roads):
    scene = roads.scene
    folder, port = scene.path("front", "nginx.conf").parent, scene.free_port()
    certificate, key = make_certificate(folder)
    (folder / "nginx.conf").write_text(NGINX.format(
        folder=folder, port=port, certificate=certificate, key=key, relay=roads.plain))
    front = scene.start("nginx", *roads.proxy_within, "nginx", "-p", folder, "-c", folder / "nginx.conf")
    scene.wait_for_port(port, front, within=roads.proxy_within)
    home = roads.home("behind", relay=f"wss://{roads.network.addresses['proxy']}:{port}/tunnel",
                      host="www.example.com", server_name="front.example.com",
                      user_agent="browser/1", headers=f'["X-Token: {TOKEN}"]')
    # The relay trusts nobody who ends TLS.
    wait_for("the upgrade, and what comes of it", lambda: "trusted-proxies" in home.log())
    home.process.stop()
    seen = wait_for("nginx's log", lambda: (folder / "access.log").exists() and
                    (folder / "access.log").read_text())
    assert f"/tunnel www.example.com front.example.com browser/1 {TOKEN}" in seen, seen
    scene.fact("host, server-name, user-agent and headers are what a web server sees")


def main():
    with Scene() as scene, Network("relay", "proxy", "home") as network:
        roads = Roads(scene, network)
        by_environment(roads)
        http_proxies(roads)
        socks(roads)
        a_proxy_behind_tls(roads)
        shows_what_it_was_told_to(roads)
        shows_another_name_to_a_web_server(roads)


if __name__ == "__main__":
    main()
