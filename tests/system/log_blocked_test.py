#!/usr/bin/env python3
"""Nobody reads relayd's stderr, a pipe: connections go on, and what is dropped is told."""

import contextlib
import fcntl
import os
import pathlib
import re
import struct
import termios
import time

from harness.clients import connect
from harness.loudness import LINES_SAID, Pinging, numbers_in, say_much
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, Daemon
from harness.targets import Service, echo

PATIENCE_SECONDS = 2  # Far more than an echo takes here, far less than for ever.


class PipedDaemon(Daemon):
    """Its stderr is a pipe that is read when the test says so."""

    def __init__(self, scene, name):
        fifo = scene.path(name, "stderr")
        os.mkfifo(fifo)
        self.pipe = os.open(fifo, os.O_RDWR)  # Which needs no other end yet.
        self._read = b""
        super().__init__(scene, name, within=("sh", "-c", f'exec "$@" 2>{fifo}', "sh"))

    def waiting_bytes(self):
        return struct.unpack("i", fcntl.ioctl(self.pipe, termios.FIONREAD, b"\0\0\0\0"))[0]

    def stderr_flags(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/fdinfo/2").read_text()
        return int(re.search(r"^flags:\t([0-7]+)$", text, re.MULTILINE).group(1), 8)

    def read_pipe(self):
        """All that was ever read."""
        while self.waiting_bytes() > 0:
            self._read += os.read(self.pipe, 1 << 16)
        return self._read.decode()


def main():
    with Scene() as scene:
        target = Service(scene, echo)
        relay, home = PipedDaemon(scene, "relay"), Daemon(scene, "home")
        carrier = scene.free_port()
        relay.start("relay", "--listen", f"wss://127.0.0.1:{carrier}")
        relay.relayctl("home", "add", HOME_NAME, home.public_key())
        home.start("home", f"wss://127.0.0.1:{carrier}", "--name", HOME_NAME,
                   "--allow", f"127.0.0.1:{target.port}")
        wait_for("the session", lambda: relay.ask("sessions")["sessions"])
        port = scene.free_port()
        relay.relayctl("forward", "add", str(port), "--home", HOME_NAME, "--to",
                       f"127.0.0.1:{target.port}", "--probe", "none")

        with Pinging(connect(port)) as pinging:
            say_much(relay.socket)
            before = pinging.count
            wait_for("more echoes", lambda: pinging.fault or pinging.count > before + 100)
        assert pinging.fault is None, pinging.fault
        assert pinging.longest < PATIENCE_SECONDS, pinging.longest
        assert relay.waiting_bytes() > 50000, "the pipe was not full"
        scene.fact(f"a stream goes on while nobody reads the log (longest echo "
                   f"{pinging.longest * 1000:.0f} ms)")
        assert not relay.stderr_flags() & os.O_NONBLOCK
        scene.fact("stderr, which others may share, was not made non-blocking")

        dropped = re.compile(r" warning (\d+) lines were dropped while nobody read them$", re.MULTILINE)
        text = wait_for("the notice", lambda: dropped.search(relay.read_pipe()) and relay.read_pipe())
        numbers = numbers_in(text)
        assert numbers == list(range(len(numbers))), "lines are missing before the gap"
        count = int(dropped.search(text).group(1))
        assert len(numbers) + count >= LINES_SAID, (len(numbers), count)
        assert 0 < len(numbers) < LINES_SAID
        scene.fact(f"read again, it has all lines in order up to the gap, and says how wide that is: "
                   f"{len(numbers)} and {count}")
        relay.relayctl("session", "close", "nothing", check=False)
        wait_for("a further line", lambda: 'no session "nothing"' in relay.read_pipe())
        scene.fact("and goes on")

        say_much(relay.socket)
        begun = time.monotonic()
        relay.process.stop(seconds=10)
        assert time.monotonic() - begun < 5, "it waited for its log"
        scene.fact("it ends in time though nobody reads its log")
        with contextlib.suppress(OSError):
            os.close(relay.pipe)


if __name__ == "__main__":
    main()
