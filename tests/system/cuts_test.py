#!/usr/bin/env python3
"""Carriers die in every way there is while 64 streams move bytes both ways, and a remote desktop and an
ssh login stay open. No stream is closed, and no byte is lost.

    cuts_test.py [--cuts NUMBER] [--carrier wss|http+poll|...]

A few cuts by default; a thousand take some twenty minutes. Prints how long each kind of cut has kept a
visitor waiting: from the cut to the answer of something that was sent right after it.
"""

import argparse
import collections
import contextlib
import hashlib
import random
import socket
import struct
import subprocess
import threading
import time

from harness import desktops, parts
from harness.clients import CHUNK, RdpClient, SshClient, connect
from harness.links import Link
from harness.netns import on_host
from harness.passage import Passage
from harness.processes import Scene, run, wait_for
from harness.relayd import Tunnel
from harness.targets import Service, Target, echo

STREAMS = 64
BLOCK = 17 << 10
BLOCKS_BETWEEN_CUTS = 2  # Of each stream each way: of a thousand cuts, 2 GiB each way in all.
NOTICED = {"ping-interval": "500ms", "ping-deadline": "1500ms"}  # A blackhole, in 2 s.
ROUND_TRIP_MS = 10
HOLE = """
table inet hole {{
  chain arrivals {{
    type filter hook input priority 0; policy accept;
    iif lo accept
    tcp sport {{ {ports} }} drop
    tcp dport {{ {ports} }} drop
  }}
}}
"""


class Allowance:
    """How many blocks each end of each stream may have sent so far."""

    def __init__(self):
        self._changed = threading.Condition()
        self._blocks = 0
        self._is_last = False

    def more(self, blocks):
        with self._changed:
            self._blocks += blocks
            self._changed.notify_all()

    def end(self):
        with self._changed:
            self._is_last = True
            self._changed.notify_all()

    def wait_for(self, block):
        """False: there will be no such block."""
        with self._changed:
            self._changed.wait_for(lambda: self._blocks > block or self._is_last)
            return self._blocks > block


class Flow:
    """One end of a stream: sends what it is allowed to, and reads to the end."""

    def __init__(self, seed, allowance):
        self._chance = random.Random(seed)
        self._allowance = allowance
        self.received = 0
        self._digests = [hashlib.sha256(), hashlib.sha256()]  # Sent, received.

    def run(self, connection):
        """Both digests. A broken connection shows in them."""
        reader = threading.Thread(target=self._read, args=(connection,), daemon=True)
        reader.start()
        with contextlib.suppress(OSError):
            self._send(connection)
        reader.join()
        return [digest.hexdigest() for digest in self._digests]

    def _send(self, connection):
        block = 0
        while self._allowance.wait_for(block):
            block += 1
            content = self._chance.randbytes(BLOCK)
            connection.sendall(content)
            self._digests[0].update(content)
        connection.shutdown(socket.SHUT_WR)

    def _read(self, connection):
        with contextlib.suppress(OSError):
            while part := connection.recv(CHUNK):
                self._digests[1].update(part)
                self.received += len(part)


class Flows:
    """Their two ends each: the visitor begins with the stream's number."""

    def __init__(self, scene):
        self._allowance = Allowance()
        self._allowed = 0  # Bytes, each way.
        self._at_target = {}
        self._results = []
        self.target = Target(scene, self._serve)
        self._visitors = [Flow(2 * number, self._allowance) for number in range(STREAMS)]
        self._threads = []

    def _serve(self, connection):
        number = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))[0]
        flow = self._at_target[number] = Flow(2 * number + 1, self._allowance)
        return number, flow.run(connection)

    def start(self, port):
        for number, flow in enumerate(self._visitors):
            connection = connect(port, seconds=120)
            connection.sendall(struct.pack(">I", number))
            thread = threading.Thread(target=self._visit, args=(number, flow, connection), daemon=True)
            thread.start()
            self._threads.append(thread)
        wait_for("all streams", lambda: len(self._at_target) == STREAMS)

    def _visit(self, number, flow, connection):
        with connection:
            self._results.append((number, flow.run(connection)))

    def moved(self):
        """Bytes to the targets, bytes to the visitors."""
        return [sum(flow.received for flow in flows)
                for flows in (self._at_target.values(), self._visitors)]

    def be_under_way(self):
        """Half of some more bytes has arrived each way, and the other half is on its way."""
        self._allowance.more(BLOCKS_BETWEEN_CUTS)
        more = BLOCKS_BETWEEN_CUTS * STREAMS * BLOCK
        self._allowed += more
        wait_for("bytes both ways",
                 lambda: min(self.moved()) >= self._allowed - more // 2, 120)

    def stop(self):
        """That each end has read what the other one sent."""
        self._allowance.end()
        for thread in self._threads:
            thread.join(120)
        there = dict(self.target.result() for _ in self._visitors)
        here = dict(self._results)
        assert set(here) == set(there) == set(range(STREAMS)), "a stream was closed"
        for number, (sent, received) in here.items():
            assert there[number] == [received, sent], f"stream {number} is not equal"
        assert self.moved() == [self._allowed, self._allowed], self.moved()


class Cuts:
    """The ways to die. Each does it, and returns what puts the world in order again, if anything."""

    def __init__(self, scene, link, tunnel, passage, proxy):
        self._scene, self._link, self._tunnel = scene, link, tunnel
        self._passage, self._proxy = passage, proxy
        self.kinds = {"RST": self._reset, "FIN": self._finish, "blackhole": self._both_ways,
                      "to the relay only": lambda: self._hole("relay"),
                      "to the home only": lambda: self._hole("home"),
                      "proxy restart": self._restart}

    def _reset(self):
        """One end alone: to abort the other as well could hit the next carrier."""
        run(*self._link.inside("home", "ss", "-H", "-t", "-K", "state", "established",
                               f"dport = :{self._passage.port}"))

    def _finish(self):
        self._passage.finish()

    def _restart(self):
        with on_host(self._link, "home"):
            self._proxy.restart()

    def _both_ways(self):
        return self._hole("relay", "home")

    def _ports(self):
        """Where the connections of this carrier begin."""
        self._tunnel.wait_for_session()
        found = run(*self._link.inside("home", "ss", "-H", "-t", "-n", "state", "established",
                                       f"dport = :{self._tunnel.carrier_port}")).stdout
        return [line.split()[2].rpartition(":")[2] for line in found.splitlines()]

    def _hole(self, *names):
        """Packets of this carrier no longer arrive at these hosts."""
        ports = wait_for("a carrier", self._ports)
        rules = self._scene.path("hole.nft")
        rules.write_text(HOLE.format(ports=", ".join(ports)))
        for name in names:
            run(*self._link.inside(name, "nft", "-f", rules))

        def heal():
            for name in names:
                run(*self._link.inside(name, "nft", "delete", "table", "inet", "hole"))
        return heal


class Login:
    """An ssh login in which a cat repeats what it is told."""

    def __init__(self, client):
        self._ssh = subprocess.Popen(client.command("cat"), text=True, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, start_new_session=True)

    def repeats(self, line):
        self._ssh.stdin.write(line + "\n")
        self._ssh.stdin.flush()
        assert self._ssh.stdout.readline() == line + "\n"

    def leave(self):
        self._ssh.stdin.close()
        assert self._ssh.wait(20) == 0
        self._ssh.stdout.close()


def answer_time(visitor):
    """Of four bytes that are sent now, in milliseconds."""
    began = time.monotonic()
    visitor.sendall(b"ping")
    assert visitor.recv(4, socket.MSG_WAITALL) == b"ping"
    return (time.monotonic() - began) * 1000


def part_of(figures, part):
    return sorted(figures)[min(len(figures) - 1, int(part * len(figures)))]


def cut_again_and_again(cuts, flows, visitor, login, count):
    """Waiting times in milliseconds, by kind; "none" are those without a cut."""
    waits = collections.defaultdict(list)
    kinds = list(cuts.kinds)
    for number in range(count):
        flows.be_under_way()
        waits["none"].append(answer_time(visitor))
        kind = kinds[number % len(kinds)]
        heal = cuts.kinds[kind]()
        waits[kind].append(answer_time(visitor))
        if heal:
            heal()
        if number % 10 == 0:
            login.repeats(f"still here after {number + 1} cuts")
    return waits


def tell(scene, waits):
    for kind, figures in waits.items():
        scene.fact(f"{kind}: answered after {part_of(figures, 0.5):.0f} ms (p50), "
                   f"{part_of(figures, 0.99):.0f} ms (p99), {max(figures):.0f} ms at most, "
                   f"{len(figures)} times")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=12)
    parser.add_argument("--carrier", default="wss", help="what the home dials with")
    wish = parser.parse_args()
    count = wish.cuts
    with Scene() as scene, Link(delay=ROUND_TRIP_MS / 2) as link:
        with on_host(link, "home"):
            flows, answering = Flows(scene), Service(scene, echo)
            desktop, server = desktops.freerdp_shadow(scene), parts.sshd(scene)
            proxy = parts.Tinyproxy(scene, "proxy")
            passage = Passage(scene, proxy.port)
        targets = [flows.target.port, answering.port, desktop.port, server.port]
        tunnel = Tunnel(scene, *targets, network=link, settings=NOTICED, carrier=wish.carrier,
                        home_settings={"proxy": f"http://127.0.0.1:{passage.port}"})
        ports = [tunnel.forward(target, "--probe", "none") for target in targets]
        session = tunnel.attached()["id"]
        with on_host(link, "relay"):
            client = RdpClient(scene, "client")
            client.connect(ports[2], "/sec:tls", "/u:test", "/p:test")
            login = Login(SshClient(scene, server, ports[3]))
            visitor = connect(ports[1], seconds=120)
            flows.start(ports[0])
            client.wait_for_picture(100)

        waits = cut_again_and_again(Cuts(scene, link, tunnel, passage, proxy), flows, visitor, login,
                                    count)
        tell(scene, waits)
        login.repeats("still here")
        login.leave()
        scene.fact(f"an ssh login lived through all {count} cuts")
        flows.stop()
        visitor.close()
        scene.fact("{:.2f} GiB to the home and {:.2f} GiB from it are equal".format(
            *(moved / 2**30 for moved in flows.moved())) + f", over {STREAMS} streams that never closed")
        with on_host(link, "home"):
            desktop.focus_terminal()
        with on_host(link, "relay"):
            client.type_line("still here")
        wait_for("the typed line", lambda: desktop.typed.read_text() == "still here\n")
        scene.fact("a remote desktop lived through them, and takes what is typed")
        assert tunnel.attached()["id"] == session
        scene.fact("it was one session all the time")


if __name__ == "__main__":
    main()
