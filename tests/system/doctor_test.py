#!/usr/bin/env python3
"""relayctl doctor names the hop that is broken, and what to do about it: each hop is broken in turn, on
the relay, on a home, and on a home whose relayd does not run."""

import contextlib
import dataclasses
import json
import os
import re
import socket
import typing

from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME, Daemon, Tunnel
from harness.targets import Target
from testhost import Network

NO_FINGERPRINT = "SHA256:" + "A" * 43
UNKNOWN_HOST = "no-such-name.invalid"
# Nobody hears of what is dropped.
SILENCE = """
table inet silence {{
  chain arrivals {{
    type filter hook input priority 0; policy accept;
    tcp dport {port} drop
  }}
}}
"""
BANNER = b"SSH-2.0-test\r\n"
FORBIDDEN = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n" \
            b"Content-Length: 0\r\n\r\n"


def greet(connection):
    connection.sendall(BANNER)
    connection.recv(1)


def speak_garbage(connection):
    connection.recv(1)
    connection.sendall(b"\x00\x01\x02 what is TLS?" * 10)


def want_a_password(connection):
    while not connection.recv(4096).endswith(b"\r\n\r\n"):
        pass
    connection.sendall(FORBIDDEN)


@dataclasses.dataclass
class Seen:
    status: int
    checks: list
    text: str

    def broken(self):
        return [check for check in self.checks if check["state"] == "broken"]

    def states(self):
        return {check["hop"]: check["state"] for check in self.checks}


def doctor(within, build, control, *words):
    """What it says as JSON and as text: these agree."""
    command = [*within, build / "ctl/relayctl", "--control", control, "doctor", *words]
    done = run(*command, "--json", check=False, seconds=120)
    assert done.stdout, done.stderr
    checks = json.loads(done.stdout)["checks"]
    shown = run(*command, check=False, seconds=120)
    assert shown.returncode == done.returncode, (done.stdout, shown.stdout)
    return Seen(done.returncode, checks, shown.stdout)


def expect_well(seen):
    assert seen.status == 0 and not seen.broken(), seen.text
    assert "\nall is well" in seen.text, seen.text


def expect_broken(seen, hop, advice, skipped=()):
    """This hop alone, with advice of this form; those behind it are not judged."""
    broken = seen.broken()
    assert [check["hop"] for check in broken] == [hop], seen.text
    assert seen.status == 1, seen.text
    assert re.search(advice, broken[0]["advice"]), broken
    for behind in skipped:
        assert seen.states()[behind] == "skipped", (behind, seen.text)
    assert f"\nbroken: {hop}" in seen.text and broken[0]["advice"] in seen.text, seen.text
    return broken[0]["text"]


@contextlib.contextmanager
def silent_port(scene, network, host, port):
    rules = scene.path(f"silence-{port}.nft")
    rules.write_text(SILENCE.format(port=port))
    run(*network.inside(host, "nft", "-f", rules))
    try:
        yield
    finally:
        run(*network.inside(host, "nft", "delete", "table", "inet", "silence"))


class OnRelay:
    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        with on_host(network, "home"):
            self.served = Target(scene, greet).port
            self.closes = Target(scene, socket.socket.close).port
            self.says_nothing = Target(scene, lambda connection: connection.recv(1)).port
        self.refuses, self.drops, self.forbidden = (scene.free_port() for _ in range(3))
        self.tunnel = Tunnel(scene, self.served, self.closes, self.says_nothing, self.refuses, self.drops,
                             network=network,
                             home_settings={"connect-timeout": "1s"})
        self.relay, self.home = self.tunnel.relay, self.tunnel.home

    def doctor(self, *words):
        return doctor((), self.relay.build, self.relay.socket, *map(str, words))

    def all_is_well(self):
        port = self.tunnel.forward(self.served, "--probe", "ssh")
        seen = self.doctor(port)
        expect_well(seen)
        hops = [check["hop"] for check in seen.checks]
        for hop in ("settings", "relayd", "dns", "tcp", "tls", "identity", "key", "session", "listener",
                    "gate", "allow", "target", "protocol", "round-trip", "throughput"):
            assert hop in hops, (hop, seen.text)
        assert BANNER.decode().strip() in seen.text, seen.text
        self.scene.fact("a way on which all is well has no broken hop")

    def a_public_listener_is_told(self):
        port = self.scene.free_port()
        self.relay.relayctl("forward", "add", f"0.0.0.0:{port}", "--home", HOME_NAME, "--to",
                            f"127.0.0.1:{self.served}", "--probe", "ssh")
        seen = self.doctor(port)
        expect_well(seen)
        [gate] = [check for check in seen.checks if check["hop"] == "gate"]
        assert gate["state"] == "warning" and f"127.0.0.1:{port}" in gate["advice"], gate
        self.scene.fact("a listener that is open to everybody is worth a look")

    def targets(self):
        silence = silent_port(self.scene, self.network, "home", self.drops)
        for what, target, kind, hop, advice, skipped in (
                ("is not allowed", self.forbidden, "ssh", "allow",
                 rf"relayctl allow 127\.0\.0\.1:{self.forbidden}$", ("target", "protocol")),
                ("refuses", self.refuses, "ssh", "target", "systemctl start ssh", ("protocol",)),
                ("closes", self.closes, "ssh", "target", "its own log", ("protocol",)),
                ("is silent", self.says_nothing, "ssh", "target", "the service hangs", ("protocol",)),
                ("is behind a firewall", self.drops, "ssh", "target",
                 f"firewall let port {self.drops} in", ("protocol",)),
                ("speaks another protocol", self.served, "vnc", "protocol", "the right port", ())):
            with silence if target == self.drops else contextlib.nullcontext():
                text = expect_broken(self.doctor(self.tunnel.forward(target, "--probe", kind)), hop,
                                     advice, skipped)
            self.scene.fact(f"a target that {what}: {hop}: {text}")

    def a_taken_port(self):
        port = self.tunnel.forward(self.served, "--probe", "ssh")
        self.relay.process.stop()
        with on_host(self.network, "relay"):
            holder = socket.create_server(("127.0.0.1", port))
        with holder:
            self.relay.start(*self.tunnel.relay_arguments())
            self.tunnel.wait_for_session()
            seen = doctor(self.relay.within, self.relay.build, self.relay.socket, str(port))
            text = expect_broken(seen, "listener", f"relayctl stale kill {port}")
            assert f"(pid {os.getpid()}) has it" in text, text
        self.scene.fact(f"a port that another program has: listener: {text}")

    def the_home_is_away(self):
        port = self.tunnel.forward(self.served, "--probe", "ssh")
        self.home.process.stop()
        wait_for("the relay to notice", lambda: not self.tunnel.attached())
        text = expect_broken(self.doctor(port), "session", "relayctl doctor there",
                             ("allow", "target", "protocol"))
        self.scene.fact(f"a home that is away: session: {text}")
        stranger = Daemon(self.scene, "stranger", self.home.within)
        stranger.start(*self.tunnel.home_arguments())
        wait_for("the refusal", lambda: "refuses us" in stranger.log())
        text = expect_broken(self.doctor(port), "key", f"relayctl home add {HOME_NAME} 'ssh-ed25519 ",
                             ("session", "allow", "target", "protocol"))
        self.scene.fact(f"a home whose key is unknown: key: {text}")
        stranger.process.stop()

    def relayd_is_gone(self):
        self.relay.process.stop()
        file = self.scene.path("relay.yaml")
        file.write_text("relay:\n  listen: wss://0.0.0.0:443\n")
        seen = self.doctor("--config", file)
        expect_broken(seen, "relayd", "systemctl start relayd", ("session", "target"))
        file.write_text("relay:\n  lisen: wss://0.0.0.0:443\n")
        seen = self.doctor("--config", file)
        assert [check["hop"] for check in seen.broken()] == ["settings", "relayd"], seen.text
        assert f"{file}:2:3: " in seen.text, seen.text
        self.scene.fact("a relayd that does not run, and its settings by file, line and column")

    def run(self):
        self.all_is_well()
        self.a_public_listener_is_told()
        self.targets()
        self.a_taken_port()
        self.the_home_is_away()
        self.relayd_is_gone()


class Case(typing.NamedTuple):
    what: str
    hop: str
    advice: str
    skipped: tuple
    settings: dict  # In place of those that are right.


class OnHome:
    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        with on_host(network, "home"):
            self.served = Target(scene, greet).port
            self.garbage = Target(scene, speak_garbage).port
            self.proxy = Target(scene, want_a_password).port
        self.tunnel = Tunnel(scene, self.served, network=network)
        self.relay, self.home = self.tunnel.relay, self.tunnel.home
        self.home.process.stop()
        self.endpoint = f"wss://{network.addresses['relay']}:{self.tunnel.carrier_port}"
        self.fingerprint = self.relay.ask("status")["identity"]

    def settings(self, **changes):
        lines = {"name": HOME_NAME, "relay": self.endpoint, "relay-key": json.dumps(self.fingerprint),
                 "allow": json.dumps([f"127.0.0.1:{self.served}"]), "connect-timeout": "1s",
                 "key": self.home.state / "id_ed25519", **changes}
        file = self.scene.path("home.yaml")
        file.write_text(f"state-dir: {self.home.state}\nhome:\n" + "".join(
            f"  {name}: {value}\n" for name, value in lines.items()))
        return file

    def alone(self, file, *words):
        return doctor(self.home.within, self.home.build, self.scene.path("no-socket"), "--config", file,
                      *words)

    def asked(self, file, *words):
        self.home.start("--config", file)
        try:
            return doctor((), self.home.build, self.home.socket, *words)
        finally:
            self.home.process.stop()

    def all_is_well(self):
        seen = self.alone(self.settings())
        assert [check["hop"] for check in seen.broken()] == ["relayd"], seen.text
        for hop in ("settings", "dns", "tcp", "proxy", "tls", "identity", "key", "allow", "target"):
            assert seen.states()[hop] == "ok", (hop, seen.text)
        self.scene.fact("a home whose relayd does not run is walked from its settings")
        file = self.settings()
        self.home.start("--config", file)
        self.tunnel.wait_for_session()
        before = self.tunnel.attached()
        seen = doctor((), self.home.build, self.home.socket)
        expect_well(seen)
        assert seen.states()["session"] == "ok", seen.text
        after = self.tunnel.attached()
        assert after["id"] == before["id"]
        assert after["carriers"][0]["address"] == before["carriers"][0]["address"], "another connection"
        self.home.process.stop()
        self.scene.fact("the session and its carrier are not disturbed by being looked at")

    def cases(self):
        way = ("dns", "tcp", "proxy", "tls", "identity", "key")

        def after(hop):
            return way[way.index(hop) + 1:]
        closed = self.scene.free_port()
        dropped = self.tunnel.carrier_port
        yield Case("a wrong name", "dns", f"getent hosts {UNKNOWN_HOST}", after("tcp"),
                   {"relay": f"wss://{UNKNOWN_HOST}"})
        yield Case("a closed port", "tcp", "is relayd running", after("tcp"),
                   {"relay": f"wss://127.0.0.1:{closed}"})
        yield Case("a silent port", "tcp", f"TCP port {dropped} open in its firewall", after("tcp"), {})
        yield Case("a proxy that wants a password", "proxy", "http://USER:PASSWORD@", after("proxy"),
                   {"proxy": f"http://127.0.0.1:{self.proxy}"})
        yield Case("garbage instead of TLS", "tls", "not relayd", after("tls"),
                   {"relay": f"wss://127.0.0.1:{self.garbage}"})
        yield Case("another relay than the one that is pinned", "identity", "correct relay-key", ("key",),
                   {"relay-key": json.dumps(NO_FINGERPRINT)})
        yield Case("an unknown key", "key", f"relayctl home add {HOME_NAME} 'ssh-ed25519 ", (),
                   {"key": self.scene.path("other", "id_ed25519")})
        yield Case("a network that the relay does not let it in from", "key", "correct from: of work-pc", (),
                   {"key": self.scene.path("elsewhere", "id_ed25519")})
        yield Case("a target that refuses", "target", "ss -ltnp", ("protocol",),
                   {"allow": json.dumps([f"127.0.0.1:{closed}"])})
        yield Case("no target at all", "allow", "relayctl allow HOST:PORT", (), {"allow": "[]"})

    def each_hop(self):
        for name in ("other", "elsewhere"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.scene.path(name, "id_ed25519"))
        self.relay.relayctl("home", "add", HOME_NAME, self.scene.path("elsewhere", "id_ed25519.pub"),
                            "--from", "192.0.2.0/24")
        for case in self.cases():
            is_silent = case.what == "a silent port"
            with (silent_port(self.scene, self.network, "relay", self.tunnel.carrier_port)
                  if is_silent else contextlib.nullcontext()):
                file = self.settings(**case.settings)
                seen = self.alone(file)
                assert [check["hop"] for check in seen.broken()] == ["relayd", case.hop], seen.text
                text = expect_broken(self.asked(file), case.hop, case.advice, case.skipped)
            self.scene.fact(f"{case.what}: {case.hop}: {text}")

    def one_target(self):
        file = self.settings()
        other = self.scene.free_port()
        seen = self.asked(file, str(other))
        assert "allow" in [check["hop"] for check in seen.broken()], seen.text
        assert f"relayctl allow 127.0.0.1:{other}" in seen.text, seen.text
        self.scene.fact("a target that is not allowed, asked for by its port")

    def run(self):
        self.all_is_well()
        self.each_hop()
        self.one_target()


def main():
    with Scene() as scene, Network("relay", "home") as network:
        OnRelay(scene, network).run()
    with Scene() as scene, Network("relay", "home") as network:
        OnHome(scene, network).run()


if __name__ == "__main__":
    main()
