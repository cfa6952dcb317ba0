#!/usr/bin/env python3
"""Homes whose network lets nothing pass but plain GET and POST, short and whole, through proxies and
web servers that forbid CONNECT and Upgrade, limit bodies, and buffer requests and answers: bytes both
ways, ssh, idle times, and the proxy killed in the middle."""

import argparse
import hashlib
import os
import threading
import time

from harness import parts
from harness.clients import SshClient, connect
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.proxies import PASSWORD, USER, Nginx, PlainSquid, Tinyproxy
from harness.relayd import Daemon
from harness.targets import Service
from harness.traffic import exactly
from testhost import Network

CHUNK = 1 << 20
FETCHED = 10_000_000  # Where speed is not the question.
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


def digest_of(connection):
    """Receives all of a stream that says its length first, and answers with its digest; then sends as
    much back, with its digest behind."""
    size = int.from_bytes(exactly(connection, 8), "big")
    digest = hashlib.sha256()
    while size > 0:
        part = connection.recv(min(size, CHUNK))
        if not part:
            raise RuntimeError(f"{size} bytes are missing")
        digest.update(part)
        size -= len(part)
    connection.sendall(digest.digest())


def source_of_bytes(connection):
    """Sends as many bytes as it is asked for, and then their digest."""
    while True:
        size = int.from_bytes(exactly(connection, 8), "big")
        digest = hashlib.sha256()
        while size > 0:
            part = os.urandom(min(size, CHUNK))
            digest.update(part)
            connection.sendall(part)
            size -= len(part)
        connection.sendall(digest.digest())


class Roads:
    """A relay, a host for proxies, and a host whose homes can reach nothing but that (or the relay)."""

    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        self.proxy_within = network.inside("proxy")
        self.proxy_address = network.addresses["proxy"]
        self.port = scene.free_port()
        self.plain = f"{network.addresses['relay']}:{self.port}"
        self.relay = Daemon(scene, "relay", network.inside("relay"), log_level="info")
        self.relay.start("relay", "--listen", f"ws://{self.plain}")
        with on_host(network, "home"):
            self.sink = Service(scene, digest_of).port
            self.source = Service(scene, source_of_bytes).port
            self.ssh = parts.sshd(scene, within=network.inside("home"))
        self.closed = False

    def close_all_roads_but_the_proxy(self):
        rules = self.scene.path("road.nft")
        rules.write_text(ONLY_THE_PROXY.format(proxy=self.proxy_address))
        run(*self.network.inside("home", "nft", "-f", rules))

    def home(self, name, relay, proxy="none"):
        home = Daemon(self.scene, name, self.network.inside("home"), log_level="info")
        file = self.scene.path(name, "relayd.yaml")
        targets = ", ".join(f'"127.0.0.1:{port}"' for port in (self.sink, self.source, self.ssh.port))
        file.write_text(f"home:\n  name: {name}\n  relay: {relay}\n  proxy: {proxy}\n  allow: [ {targets} ]\n")
        self.relay.relayctl("home", "add", name, home.public_key())
        home.start("--config", file)
        return home

    def session(self, name):
        return next((each for each in self.relay.ask("sessions")["sessions"]
                     if each["home"] == name and each["state"] == "attached"), None)

    def comes(self, name, seconds=30):
        return wait_for(f"{name} at the relay", lambda: self.session(name), seconds)

    def forward(self, name, target):
        port = self.scene.free_port()
        self.relay.relayctl("forward", "add", str(port), "--home", name, "--to",
                            f"127.0.0.1:{target}", "--probe", "none")
        return port

    def visit(self, name, target):
        port = self.forward(name, target)
        with on_host(self.network, "relay"):
            return connect(port, 120)


def upload(visitor, size, meanwhile=None):
    digest = hashlib.sha256()
    visitor.sendall(size.to_bytes(8, "big"))
    begin = time.monotonic()
    left = size
    while left > 0:
        part = os.urandom(min(left, CHUNK))
        digest.update(part)
        visitor.sendall(part)
        left -= len(part)
        if meanwhile and left < size / 2:
            meanwhile, act = None, meanwhile
            act()
    assert exactly(visitor, 32) == digest.digest()
    return size / (time.monotonic() - begin) / 1e6


def download(visitor, size, meanwhile=None):
    digest = hashlib.sha256()
    begin = time.monotonic()
    visitor.sendall(size.to_bytes(8, "big"))
    left = size
    while left > 0:
        part = visitor.recv(min(left, CHUNK))
        assert part, f"{left} bytes are missing"
        digest.update(part)
        left -= len(part)
        if meanwhile and left < size / 2:
            meanwhile, act = None, meanwhile
            act()
    assert exactly(visitor, 32) == digest.digest()
    return size / (time.monotonic() - begin) / 1e6


def round_trip(visitor):
    """Seconds, of nothing at all: the digest of no bytes."""
    begin = time.monotonic()
    visitor.sendall((0).to_bytes(8, "big"))
    assert exactly(visitor, 32) == hashlib.sha256().digest()
    return time.monotonic() - begin


def ssh_works(roads, name):
    port = roads.forward(name, roads.ssh.port)
    client = SshClient(roads.scene, roads.ssh, port)
    shown = run(*roads.network.inside("relay", *map(str, client.command("echo", "it works"))))
    assert shown.stdout == "it works\n", shown


def carries_and_outlives(roads, name, size, idle, relay, proxy="none", running=None):
    """Bytes both ways, ssh, silence; then the proxy is killed and started again under open streams."""
    home = roads.home(name, relay, proxy)
    session = roads.comes(name)
    assert session["carriers"][0]["kind"] == "poll", session
    ssh_works(roads, name)
    with roads.visit(name, roads.source) as visitor:
        trips = sorted(round_trip(visitor) for _ in range(50))
        down = download(visitor, size)
        with roads.visit(name, roads.sink) as other:
            up = upload(other, size)
        if running is not None:
            restart = threading.Thread(target=running.restart)
            download(visitor, size // 2, restart.start)
            restart.join()
            with roads.visit(name, roads.sink) as other:
                restart = threading.Thread(target=running.restart)
                upload(other, size // 2, restart.start)
                restart.join()
        time.sleep(idle)
        round_trip(visitor)
    assert roads.comes(name)["id"] == session["id"]
    home.process.stop()
    killed = ", the proxy killed twice" if running is not None else ""
    roads.scene.fact(f"{name}: {down:.1f} MB/s down, {up:.1f} MB/s up, round trip "
                     f"{trips[len(trips) // 2] * 1000:.1f} ms; ssh, {idle} s of silence{killed}")


def through(proxy, address, user=""):
    return f"http://{user}{address}:{proxy.port}"


def nothing_but_get_and_post(roads, proxy):
    """That the proxy really lets neither CONNECT nor Upgrade pass."""
    home = roads.home("upgrading", f"ws://{roads.plain}", through(proxy, roads.proxy_address))
    wait_for("CONNECT to be refused", lambda: "answered 403" in home.log())
    home.process.stop()
    roads.scene.fact("this proxy lets no WebSocket pass")


def refusals(roads, proxy):
    """What a home says of whatever answers in the relay's place."""
    nobody = roads.home("lost", f"http+poll://{roads.proxy_address}:1", through(proxy, roads.proxy_address))
    wait_for("the proxy's page to be named", lambda: "answered 503 with text/html" in nobody.log())
    nobody.process.stop()
    roads.scene.fact("a proxy's page of HTML is told with its status")


def wants_users(roads, scheme):
    """A proxy that wants to know who asks; what it says to those who do not tell."""
    proxy = PlainSquid(roads.scene, f"squid-{scheme}", scheme, within=roads.proxy_within)
    relay = f"http+poll://{roads.plain}"
    for user, reason in (("", "it wants a user and a password"), ("bob:wrong@", "it did not take the user")):
        stranger = roads.home("stranger", relay, through(proxy, roads.proxy_address, user))
        text = f"proxy {through(proxy, roads.proxy_address)} answered 407: {reason}"
        wait_for(text, lambda: text in stranger.log() and f"offers {scheme.capitalize()}" in stranger.log())
        assert "wrong" not in stranger.log()
        stranger.process.stop()
        roads.relay.relayctl("home", "remove", "stranger")
    home = roads.home(f"by-{scheme}", relay, through(proxy, roads.proxy_address, f"{USER}:{PASSWORD}@"))
    roads.comes(f"by-{scheme}")
    with roads.visit(f"by-{scheme}", roads.source) as visitor:
        trips = sorted(round_trip(visitor) for _ in range(50))
        down = download(visitor, FETCHED)
        with roads.visit(f"by-{scheme}", roads.sink) as other:
            up = upload(other, 3 * FETCHED)  # Longer than a nonce lasts.
    assert "lost the connection" not in home.log(), "where the proxy's nonce has run out"
    home.process.stop()
    refused, served = (proxy.log().count(f" {status} ") for status in (407, 200))
    assert served > 20 * refused, f"{refused} requests were refused and {served} served"
    roads.scene.fact(f"{scheme}: {down:.1f} MB/s down, {up:.1f} MB/s up, round trip "
                     f"{trips[len(trips) // 2] * 1000:.1f} ms; of {served + refused} requests {refused} asked twice")


def whoever_asks(roads):
    """What the relay says to requests of no tunnel."""
    def answer(path, *options):
        shown = run(*roads.network.inside("relay", "curl", "-s", "--noproxy", "*", "-w", " %{http_code}",
                                          *options, f"http://{roads.plain}{path}"))
        return shown.stdout
    nobody = "0" * 32
    assert answer("/") == "Nothing here.\n 404"
    assert answer(f"/x/relayd-poll/{nobody}/down/1/0/0") == "RLP1\4 200"
    assert answer(f"/relayd-poll/{nobody}/up/1/0/0", "--data-binary", "x" * 100_000) == "RLP1\4 200"
    assert answer(f"/relayd-poll/{nobody}/up/1/0/0") == " 400"
    assert answer("/relayd-poll/") == " 400"
    assert answer(f"/relayd-poll/{nobody}/up/1/0/0", "-H", "Transfer-Encoding: chunked",
                  "--data-binary", "x") == " 411"
    roads.scene.fact("requests of no tunnel are answered, and open none")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=20)
    parser.add_argument("--idle", type=float, default=2)
    options = parser.parse_args()
    size = options.megabytes * 1_000_000
    with Scene() as scene, Network("relay", "proxy", "home") as network:
        roads = Roads(scene, network)
        def road(name, relay=f"http+poll://{roads.plain}", proxy=None, running=None):
            carries_and_outlives(roads, name, size, options.idle, relay,
                                 through(proxy, roads.proxy_address) if proxy else "none",
                                 running or proxy)
        whoever_asks(roads)
        road("direct")
        roads.close_all_roads_but_the_proxy()
        squid = PlainSquid(scene, "squid", within=roads.proxy_within)
        nothing_but_get_and_post(roads, squid)
        refusals(roads, squid)
        road("squid", proxy=squid)
        for scheme in ("basic", "digest"):
            wants_users(roads, scheme)
        road("squid-16KB", proxy=PlainSquid(scene, "squid16", body_most="16 KB", within=roads.proxy_within))
        road("tinyproxy", proxy=Tinyproxy(scene, "tinyproxy", within=roads.proxy_within))
        front = Nginx(scene, "nginx", roads.plain, within=roads.proxy_within)
        road("nginx", f"http+poll://{roads.proxy_address}:{front.port}/some/where", running=front)
        secure = Nginx(scene, "nginx-tls", roads.plain, tls=True, within=roads.proxy_within)
        road("nginx-tls", f"https+poll://{roads.proxy_address}:{secure.port}", running=secure)


if __name__ == "__main__":
    main()
