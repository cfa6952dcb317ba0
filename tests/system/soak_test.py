#!/usr/bin/env python3
"""Hours of mixed traffic while everything happens that can happen: at the end not a byte was wrong,
no connection broke, and relay and homes hold what they held after the first minutes.

    soak_test.py [--seconds 7200] [--workers 6] [--seed N]
"""

import argparse
import collections
import contextlib
import os
import random
import signal
import subprocess
import threading
import time

from harness import traffic
from harness.clients import connect
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.relayd import Daemon
from harness.targets import Service
from testhost import Network

HOMES = ("laptop", "server")  # Each by a carrier of another kind.
# What allocators keep after a peak that the warm-up has not seen.
MEMORY_MARGIN = 12 << 20
NOTICED_SECONDS = 12


class Traffic:
    """Conversations on forwards that nobody touches: none of them may break."""

    def __init__(self, network, ports, seed, workers):
        self.counts = collections.Counter()
        self.bytes = 0
        self.fault = None
        self._ports = ports
        self._network = network
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(random.Random(seed + number),))
                         for number in range(workers)]
        for thread in self._threads:
            thread.start()

    def pause(self, seconds):
        """Raises what broke, as soon as something does."""
        if self._stop.wait(seconds):
            raise self.fault

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(traffic.PATIENCE + 30)
            assert not thread.is_alive(), "a conversation hangs"
        if self.fault:
            raise self.fault

    def _work(self, chance):
        with on_host(self._network, "relay"):
            while not self._stop.wait(chance.random() / 3):
                talk = chance.choice(traffic.CONVERSATIONS)
                port = chance.choice(self._ports)
                began = time.monotonic()
                try:
                    moved = talk(port, chance)
                except Exception as fault:  # Raised again by pause() or end().
                    print(f"{talk.__name__} on port {port}, begun {time.monotonic() - began:.1f} s "
                          f"ago: {fault!r}", flush=True)
                    self.fault = self.fault or fault
                    self._stop.set()
                    return
                with self._lock:
                    self.counts[talk.__name__] += 1
                    self.bytes += moved


class Stage:
    """A relay and its homes on hosts of their own, both configured by files."""

    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        with on_host(network, "home"):
            self.target = Service(scene, traffic.serve)
        self.carrier_ports = [scene.free_port() for _ in HOMES]
        self.steady = [scene.free_port() for _ in HOMES]
        self.toggled = scene.free_port()
        self.guests = 0
        self.homes = [self._daemon(name, "home") for name in HOMES]
        self.relay = self._daemon("relay", "relay")
        self.write_relay(with_toggled=True)
        self.relay.start("--config", self._file("relay"))
        for home, kind, port in zip(self.homes, ("wss", "tls"), self.carrier_ports):
            self._file(home.name).write_text("\n".join([
                "home:", f"  name: {home.name}", f'  relay: "{kind}://{self._address()}:{port}"',
                f'  allow: [ "127.0.0.1:{self.target.port}" ]', ""]))
            home.start("--config", self._file(home.name))
        self.wait_for_homes()

    def write_relay(self, with_toggled):
        lines = ["relay:", "  probe-interval: 5s",
                 f'  listen: [ "wss://{self._address()}:{self.carrier_ports[0]}", '
                 f'"tls://{self._address()}:{self.carrier_ports[1]}" ]', "  homes:"]
        for home, port in zip(self.homes, self.steady):
            lines += [f"    {home.name}:", f'      key: "{home.public_key()}"', "      forwards:",
                      f"        - {self._forward(port)}"]
        if with_toggled:
            lines.append(f"        - {self._forward(self.toggled)}")
        self._file("relay").write_text("\n".join([*lines, ""]))

    def wait_for_homes(self, seconds=60):
        wait_for("all homes", lambda: self.relay.ask("status")["sessions"] == len(HOMES), seconds)

    def drain(self):
        """Until no stream is left anywhere; a probe may be under way."""
        self.wait_for_homes()
        for daemon in self.daemons():
            wait_for(f"{daemon.name} to have no streams",
                     lambda one=daemon: one.ask("status")["streams"] == 0, 60)

    def daemons(self):
        return [self.relay, *self.homes]

    # Disasters. All leave everything as it was before.

    def cut(self, _):
        """Resets the carriers, of one home or of both."""
        for port in self.carrier_ports:
            subprocess.run(self.network.inside(
                "home", "ss", "-H", "-t", "-K", "state", "established", f"dport = :{port}"),
                check=True, stdout=subprocess.DEVNULL)
        self.wait_for_homes()

    def blackhole(self, chance):
        """Everything is lost without a word, until it is noticed or for a moment only."""
        self._link("down")
        if chance.random() < 0.5:
            wait_for("the relay to notice", lambda: self.relay.ask("status")["sessions"] == 0,
                     NOTICED_SECONDS)
        else:
            time.sleep(chance.uniform(0.2, 4))  # How long the link is dead.
        self._link("up")
        self.wait_for_homes()

    def reload(self, _):
        """A forward goes by the relay's file and comes back; a home reads its own again."""
        for with_toggled in (False, True):
            self.write_relay(with_toggled)
            self.relay.relayctl("reload")
        os.kill(self.homes[0].process.pid, signal.SIGHUP)
        self._converse(self.toggled)

    def forward(self, _):
        port = self.scene.free_port()
        self.relay.relayctl("forward", "add", str(port), "--home", HOMES[0], "--to",
                            f"127.0.0.1:{self.target.port}")
        self._converse(port)
        self.relay.relayctl("forward", "remove", str(port))

    def home(self, _):
        """A home is let in, serves, and is removed while a visitor is connected."""
        self.guests += 1
        guest = self._daemon(f"guest-{self.guests}", "home")
        port = self.scene.free_port()
        self.relay.relayctl("home", "add", guest.name, guest.public_key())
        guest.start("home", f"wss://{self._address()}:{self.carrier_ports[0]}", "--name", guest.name,
                    "--allow", f"127.0.0.1:{self.target.port}")
        self.relay.relayctl("forward", "add", str(port), "--home", guest.name, "--to",
                            f"127.0.0.1:{self.target.port}")
        self._converse(port)
        with on_host(self.network, "relay"), connect(port) as visitor:
            self.relay.relayctl("home", "remove", guest.name)
            with contextlib.suppress(ConnectionResetError):
                assert visitor.recv(1) == b""
        guest.process.stop()

    def look(self, _):
        for words in (["sessions"], ["streams"], ["forward", "list"], ["home", "list"], ["status"]):
            self.relay.ask(*words)
        self.relay.relayctl("probe", check=False)

    def _converse(self, port):
        with on_host(self.network, "relay"):
            traffic.half_close(port, random.Random(port))

    def _link(self, state):
        run(*self.network.inside("home", "ip", "link", "set", "eth0", state))

    def _daemon(self, name, host):
        daemon = Daemon(self.scene, name, self.network.inside(host))
        daemon.log_level = "warning"
        return daemon

    def _forward(self, port):
        return f'{{ listen: "127.0.0.1:{port}", to: "127.0.0.1:{self.target.port}" }}'

    def _address(self):
        return self.network.addresses["relay"]

    def _file(self, name):
        return self.scene.path(f"{name}.yaml")


# How often each comes, in relation.
DISASTERS = {Stage.cut: 12, Stage.look: 4, Stage.forward: 4, Stage.reload: 3, Stage.blackhole: 2,
             Stage.home: 2}


HELD = ("memory_bytes", "stream_memory_bytes", "descriptors", "timers", "handles")
LOOKS = 20


def held(daemon):
    """What a daemon holds when nothing goes on: the least of some looks. Those that find a stream do
    not count: targets are probed now and then."""
    looks = []

    def has_rested():
        look = daemon.ask("status")
        if look["streams"] == 0:
            looks.append(look["resources"])
        return len(looks) == LOOKS
    wait_for(f"{daemon.name} to have no streams", has_rested, 60)
    return {what: min(look[what] for look in looks) for what in HELD}


def mebibytes(size):
    return f"{size / (1 << 20):.1f} MiB"


class Soak:
    def __init__(self, scene, stage, seed, workers):
        self.scene, self.stage = scene, stage
        self.chance = random.Random(seed)
        self.workers = workers
        self.happened = collections.Counter()
        self.counts = collections.Counter()
        self.bytes = 0

    def run(self, seconds, at_first=()):
        """Everything at once for so long, then drained: what each daemon holds then."""
        talk = Traffic(self.stage.network, self.stage.steady, self.chance.getrandbits(32),
                       self.workers)
        began = told = time.monotonic()
        todo = list(at_first)
        try:
            while todo or time.monotonic() - began < seconds:
                talk.pause(self.chance.uniform(0.5, 3))
                what = todo.pop() if todo else self._choose()
                what(self.stage, self.chance)
                self.happened[what.__name__] += 1
                if time.monotonic() - told > 60:
                    told = time.monotonic()
                    self._tell(talk, told - began)
        finally:
            talk.end()
        self.counts += talk.counts
        self.bytes += talk.bytes
        self.stage.drain()
        return {daemon.name: held(daemon) for daemon in self.stage.daemons()}

    def _choose(self):
        return self.chance.choices(list(DISASTERS), list(DISASTERS.values()))[0]

    def _tell(self, talk, seconds):
        memory = ", ".join(
            f"{daemon.name} {mebibytes(daemon.ask('status')['resources']['memory_bytes'])}"
            for daemon in self.stage.daemons())
        print(f"{seconds / 60:5.1f} min: {sum(talk.counts.values())} conversations, "
              f"{mebibytes(talk.bytes)}, {dict(self.happened)}; {memory}", flush=True)


def shown(what, values):
    return mebibytes(values[what]) if what == "memory_bytes" else values[what]


def compare(scene, before, after):
    for name, was in before.items():
        now = after[name]
        print(f"{name}: " + ", ".join(
            f"{what} {shown(what, was)} -> {shown(what, now)}" for what in was), flush=True)
    for name, was in before.items():
        now = after[name]
        grown = {what: (was[what], now[what]) for what in was
                 if what != "memory_bytes" and now[what] != was[what]}
        assert not grown, f"{name}: {grown}"
        assert now["memory_bytes"] <= was["memory_bytes"] + MEMORY_MARGIN, f"{name}: its memory has grown"
    scene.fact("descriptors, streams and timers are as many as after the warm-up")
    scene.fact(f"no daemon has grown by more than {mebibytes(MEMORY_MARGIN)}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=7200)
    arguments.add_argument("--workers", type=int, default=6)
    arguments.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    chosen = arguments.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    with contextlib.ExitStack() as stack:
        scene = stack.enter_context(Scene())
        network = stack.enter_context(Network("relay", "home"))
        soak = Soak(scene, Stage(scene, network), chosen.seed, chosen.workers)
        warm_up = min(chosen.seconds / 4, 300)
        before = soak.run(warm_up, DISASTERS)  # Each is seen once.
        after = soak.run(chosen.seconds - warm_up)
        print(f"conversations: {dict(soak.counts)}, {mebibytes(soak.bytes)}\n"
              f"happened meanwhile: {dict(soak.happened)}", flush=True)
        scene.fact("every byte was right, and no conversation broke")
        compare(scene, before, after)


if __name__ == "__main__":
    main()
