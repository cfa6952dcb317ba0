"""A link between a relay's host and a home's that is as slow, far and unreliable as one wants.

    with Link(delay=20, rate=50) as link, Scene() as scene:
        tunnel = Tunnel(scene, port, network=link)
        link.set(loss=0.01)
        link.cut()

Both hosts are network namespaces; 10.79.0.1 is the relay, 10.79.0.2 the home. To be used wherever a
testhost.Network is. A second one between the same hosts, with 10.79.1.1 and 10.79.1.2:

    with Link(rate=50) as first, Link(beside=first, rate=50) as second:

The link itself is tests/tools/linkemu.
"""

import json
import os
import subprocess

from harness.processes import run
from harness.relayd import build_folder

TX_QUEUE_PACKETS = 5000


class Link:
    """`delay` and `jitter` are milliseconds each way, `rate` is Mbit/s, `queue` milliseconds of that
    rate, `loss` a part of all packets. What is not said is a perfect link's, with a queue of 100 ms."""

    _made = 0

    def __init__(self, beside=None, **conditions):
        Link._made += 1
        tag = f"rl{os.getpid() % 0xffff:04x}{Link._made}"
        self._number = beside._number + 1 if beside else 0
        self._beside = beside
        self.addresses = {"relay": f"10.79.{self._number}.1", "home": f"10.79.{self._number}.2"}
        self.namespaces = beside.namespaces if beside else {
            name: f"{tag}-{name}" for name in self.addresses}
        self._conditions = conditions
        self._emulator = None
        self._spaces = []

    def __enter__(self):
        try:
            for space in () if self._beside else self.namespaces.values():
                run("ip", "netns", "add", space)
                self._spaces.append(space)
            self._emulator = subprocess.Popen(
                [build_folder() / "tests/tools/linkemu", *self.namespaces.values(), self._device()],
                text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
            if self._emulator.stdout.readline() != "ready\n":
                raise RuntimeError("linkemu did not start")
            self.set(**self._conditions)
            for name in self.namespaces:
                self._bring_up(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._emulator:
            self._emulator.stdin.close()
            self._emulator.wait(timeout=10)
            self._emulator.stdout.close()
            self._emulator = None
        for space in self._spaces:
            subprocess.run(["ip", "netns", "delete", space], check=False)
        self._spaces = []

    def inside(self, name, *command):
        """The command line that runs `command` on the host `name`."""
        return ["ip", "netns", "exec", self.namespaces[name], *command]

    def set(self, towards=None, **conditions):
        """In both directions, or only `towards` one of the hosts."""
        for name, value in conditions.items():
            self._tell(f"{name} {value}", towards)

    def cut(self, towards=None):
        """Packets vanish from now on; those under way, too."""
        self._tell("cut", towards)

    def heal(self, towards=None):
        self._tell("heal", towards)

    def counters(self):
        """By the host that packets go to: packets, bytes, dropped, lost, queued_bytes."""
        told = json.loads(self._ask("show"))
        return {"home": told["ab"], "relay": told["ba"]}

    def _device(self):
        return f"link{self._number}"

    def _tell(self, line, towards):
        answer = self._ask(line + {None: "", "home": " ab", "relay": " ba"}[towards])
        if answer != "ok":
            raise RuntimeError(f"linkemu: {line}: {answer}")

    def _ask(self, line):
        self._emulator.stdin.write(line + "\n")
        self._emulator.stdin.flush()
        return self._emulator.stdout.readline().strip()

    def _bring_up(self, name):
        space = self.namespaces[name]
        run("ip", "-n", space, "link", "set", "lo", "up")
        run("ip", "-n", space, "addr", "add", f"{self.addresses[name]}/30", "dev", self._device())
        run("ip", "-n", space, "link", "set", self._device(), "up", "txqueuelen", TX_QUEUE_PACKETS)
