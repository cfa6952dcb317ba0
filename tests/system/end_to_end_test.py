#!/usr/bin/env python3
"""Streams that visitor and home seal between themselves: what the relay sees, whom they trust, and
that nothing which dies takes one along: carriers, relay, home and visitor, also while a stream is
only being sealed."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

from harness.clients import connect
from harness.exchange import Exchange, Transfer
from harness.keeper import KeptTunnel
from harness.memory import arena_of, heap_of
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, Daemon, build_folder
from harness.targets import Service, Target, echo
from harness.visits import VISITOR, Visits

STREAMS = 4
BYTES_PER_STREAM = 20_000_000
MARKER = b"nobody but the two of us reads this."
MARKED = MARKER * 100_000
FLOW_BYTES = 1 << 30
FLOW_ROUNDS = 3


def has_plain_text(daemon):
    pid = daemon.process.pid
    return any(MARKER in piece for where in (arena_of, heap_of) for piece in where(pid))


class TunnelWithTarget(KeptTunnel):
    """Its relay has a target of its own."""

    def relay_arguments(self, also_listen=()):
        return ["--config", self._file("relay", {
            "listen": json.dumps([self.address()]),
            "targets": json.dumps([f"127.0.0.1:{self.targets[1]}"])})]


def what_the_relay_sees(visits, port, plain_port):
    """The target takes nothing, so that all that is on its way waits in the relay."""
    tunnel = visits.tunnel

    def seen_through(where):
        with connect(where) as client:
            client.settimeout(2)
            try:
                client.sendall(MARKED)
            except TimeoutError:
                pass
            streams = tunnel.relay.ask("streams")["streams"]
            assert len(streams) == 1, streams
            return has_plain_text(tunnel.relay), streams[0]
    sealed, stream = seen_through(port)
    assert not sealed and stream["end_to_end"], stream
    wait_for("the end", lambda: not tunnel.relay.ask("streams")["streams"])
    plain, stream = seen_through(plain_port)
    assert plain and not stream["end_to_end"], "the search finds nothing where there is something"
    wait_for("the end", lambda: not tunnel.relay.ask("streams")["streams"])
    visits.scene.fact("the relay's memory has what a visitor says at its listener, and nothing of "
                      "what is sealed")


def who_is_shown(visits, port):
    tunnel = visits.tunnel
    with connect(port) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        mine = visits.visitor.ask("streams")["streams"][0]
        theirs = tunnel.home.ask("streams")["streams"][0]
        assert mine["end_to_end"] and theirs["end_to_end"]
        homes = tunnel.relay.ask("home", "list")["homes"][0]
        assert mine["peer_key"] in homes["fingerprints"], (mine, homes)
        visitors = tunnel.relay.ask("visitor", "list")["visitors"][0]
        assert theirs["peer_key"] in visitors["fingerprints"], (theirs, visitors)
    assert "remembering its key" in visits.visitor.log()
    visits.scene.fact("both ends show whose key is at the other")


def disasters(visits, target, port, answer):
    tunnel, visitor = visits.tunnel, visits.visitor

    def cut():
        wait_for("carriers to cut", lambda: tunnel.cut_carriers() >= 2)
        tunnel.wait_for_session()

    def restart(daemon, number):
        daemon.end(number)
        daemon.go_on()

    steps = [cut, lambda: restart(tunnel.home, signal.SIGKILL),
             lambda: restart(visitor, signal.SIGKILL), lambda: restart(tunnel.relay, signal.SIGKILL),
             lambda: restart(visitor, signal.SIGTERM), lambda: restart(tunnel.home, signal.SIGTERM),
             lambda: restart(visitor, signal.SIGKILL), lambda: restart(tunnel.home, signal.SIGKILL)]
    with Transfer(port, target, answer, STREAMS, len(steps)) as transfer:
        for step in steps:
            transfer.next()
            step()
        transfer.end()
    visits.scene.fact("carriers cut, relay killed, home and visitor killed and restarted: "
                      f"{STREAMS} streams are equal byte for byte, both ways")


def trust(visits, echo_port):
    """Pinned and remembered keys, and a relay that lets another home pose as this one."""
    scene, tunnel = visits.scene, visits.tunnel
    target = f"{HOME_NAME}:{echo_port}"
    told = tunnel.relay.relayctl("visitor", "add", VISITOR, visits.visitor.public_key(),
                                 "--may-reach", target).stdout
    key, = re.findall(f"--home-key {HOME_NAME}=(\\S+)\n", told)
    other = "SHA256:" + "A" * 43
    done = visits.stdio(target, "--home-key", f"{HOME_NAME}={key}")
    assert (done.returncode, done.stdout) == (0, b"x"), done
    done = visits.stdio(target, "--home-key", f"{HOME_NAME}={other}")
    assert done.returncode == 1 and not done.stdout, done
    assert b"home-key names" in done.stderr and key.encode() in done.stderr, done.stderr
    scene.fact("another key than the pinned one, which the relay told its operator, is refused, "
               "with both shown")

    done = visits.stdio(target, "--end-to-end")
    assert (done.returncode, done.stdout) == (0, b"x"), done
    own = f"relay:{tunnel.own_target}"
    done = visits.stdio(own)
    assert (done.returncode, done.stdout) == (0, b"x"), done
    for words in (("--end-to-end",), ("--home-key", f"relay={key}")):
        done = visits.stdio(own, *words)
        assert done.returncode == 1 and not done.stdout, done
        assert b"no end-to-end encryption" in done.stderr, done.stderr
    scene.fact("what is said to have no end-to-end encryption is reached without, unless it is "
               "required, or a home whose key is known")

    impostor = Daemon(scene, "impostor")
    tunnel.home.end(signal.SIGKILL)
    tunnel.relay.relayctl("home", "remove", HOME_NAME)
    tunnel.relay.relayctl("home", "add", HOME_NAME, impostor.public_key())
    impostor.start("home", tunnel.address(), "--name", HOME_NAME, "--allow",
                   f"127.0.0.1:{tunnel.echo}")
    tunnel.wait_for_session()
    port = tunnel.forward(tunnel.echo, "--probe", "none")
    tunnel.relay.relayctl("visitor", "remove", VISITOR)
    tunnel.relay.relayctl("visitor", "add", VISITOR, visits.visitor.public_key(),
                          "--may-reach", f"{HOME_NAME}:{port}")
    done = visits.stdio(f"{HOME_NAME}:{port}")
    assert done.returncode == 1 and not done.stdout, done
    assert b"has changed" in done.stderr and b"known_homes" in done.stderr, done.stderr
    scene.fact("another home in the place of one whose key is known is noticed")
    done = visits.stdio(f"{HOME_NAME}:{port}", "--no-end-to-end")
    assert (done.returncode, done.stdout) == (0, b"x"), done
    fresh = visits.scene.path("fresh", "state")
    fresh.mkdir(parents=True, exist_ok=True)
    (fresh / "id_ed25519").write_bytes((visits.visitor.state / "id_ed25519").read_bytes())
    (fresh / "id_ed25519").chmod(0o600)
    done = visits.stdio(f"{HOME_NAME}:{port}", state=fresh)
    assert (done.returncode, done.stdout) == (0, b"x"), done
    scene.fact("whoever meets it for the first time remembers its key")
    impostor.process.stop()


def what_a_home_insists_on(scene, services):
    """`end-to-end: required` and `visitors:`."""
    known, unknown = Daemon(scene, "known"), Daemon(scene, "unknown")
    line = known.public_key()
    tunnel = KeptTunnel(scene, services.port, home_settings={
        "end-to-end": "required", "visitors": f'[ "{line}" ]'})
    port = tunnel.forward(services.port, "--probe", "none")
    for name, daemon in (("known", known), ("unknown", unknown)):
        tunnel.relay.relayctl("visitor", "add", name, daemon.public_key(), "--may-reach",
                              f"{HOME_NAME}:{port}")

    def visit(daemon, *words):
        return subprocess.run(
            [build_folder() / "daemon/relayd", "visit", tunnel.address(), f"{HOME_NAME}:{port}",
             "--stdio", "--state-dir", daemon.state, *words],
            input=b"x", stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    done = visit(known)
    assert (done.returncode, done.stdout) == (0, b"x"), done
    done = visit(unknown)
    assert done.returncode == 1 and not done.stdout, done
    assert "is none of `visitors:`" in tunnel.home.log()
    done = visit(known, "--no-end-to-end")
    assert done.returncode == 1 and not done.stdout, done
    try:
        with connect(port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b""
    except ConnectionResetError:
        pass  # Perhaps before connect() has returned.
    assert "it is not sealed end to end" in tunnel.home.log()
    scene.fact("a home that wants it so serves the visitors of its own list alone, and nobody who "
               "comes unsealed")


def processor_seconds(daemon):
    fields = pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def flow(visits, target):
    """One stream to a target that takes all, sealed and not in turn: bytes a second, and processor
    time of visitor, relay and home."""
    daemons = (visits.visitor, visits.tunnel.relay, visits.tunnel.home)

    def measure(where):
        piece = bytes(1 << 20)
        before = [processor_seconds(each) for each in daemons]
        with connect(where) as client:
            began = time.monotonic()
            for _ in range(FLOW_BYTES >> 20):
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b"d"
            seconds = time.monotonic() - began
        spent = [processor_seconds(each) - was for each, was in zip(daemons, before)]
        return FLOW_BYTES / 1e6 / seconds, [each / FLOW_BYTES * 1e9 for each in spent]
    figures = {"plain": [], "sealed": []}
    for _ in range(FLOW_ROUNDS):
        for kind, words in (("plain", ["--no-end-to-end"]), ("sealed", ["--end-to-end"])):
            visits.visitor.end(signal.SIGTERM)
            port, = visits.start(target, words=words)
            figures[kind].append(measure(port))
    for kind, rounds in figures.items():
        rate = statistics.median(rate for rate, _ in rounds)
        spent = [statistics.median(each) for each in zip(*(spent for _, spent in rounds))]
        print(f"{kind}: {rate:.0f} MB/s; CPU s/GB {sum(spent):.2f}, of visitor, relay and home "
              + ", ".join(f"{each:.2f}" for each in spent))


def swallow(connection):
    while connection.recv(1 << 20):
        pass
    connection.sendall(b"d")


def main():
    with Scene() as scene:
        answer = os.urandom(BYTES_PER_STREAM)
        busy = Target(scene, lambda connection: Exchange(answer).run(connection))
        echoes = Service(scene, echo)
        silent = Service(scene, lambda _: threading.Event().wait(3))
        sink = Service(scene, swallow)
        targets = [busy.port, echoes.port, silent.port, sink.port]
        tunnel = TunnelWithTarget(scene, *targets)
        tunnel.echo = tunnel.own_target = echoes.port
        at = [tunnel.forward(port, "--probe", "none") for port in targets]
        visits = Visits(scene, tunnel, [*(f"{HOME_NAME}:{port}" for port in at),
                                        f"relay:{tunnel.own_target}"])
        ports = visits.start(*(f"{HOME_NAME}:{port}" for port in at))
        if "--flow" in sys.argv:
            return flow(visits, f"{HOME_NAME}:{at[3]}")
        who_is_shown(visits, ports[1])
        what_the_relay_sees(visits, ports[2], at[2])
        disasters(visits, busy, ports[0], answer)
        visits.kills_while_sealing(ports[1], int(os.environ.get("KILLS", "12")))
        trust(visits, at[1])
    with Scene() as scene:
        what_a_home_insists_on(scene, Service(scene, echo))
    return None


if __name__ == "__main__":
    main()
