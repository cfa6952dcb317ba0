#!/usr/bin/env python3
"""What time does to the programs changes nothing for visitors: clocks that jump, and processes that
stand still for longer than a peer waits for an answer, as those of a machine that sleeps."""

import contextlib
import glob
import os
import signal
import time

from harness.exchange import Exchange, Transfer
from harness.processes import Scene, wait_for
from harness.relayd import Tunnel
from harness.targets import Target
from testhost import cgroup_root

STREAMS = 4
BYTES_PER_STREAM = 16_000_000
PING_SECONDS = 1.0  # Interval and deadline together.
QUICK = {"ping-interval": "200ms", "ping-deadline": "800ms"}
YEAR = 365 * 86400


class Clock:
    """A time of day of their own for both programs: what Tunnel takes for its network."""

    def __init__(self, scene):
        self.addresses = {"relay": "127.0.0.1", "home": "127.0.0.1"}
        [self._library] = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        self._file = scene.path("time-of-day")
        self.jump(0)

    def inside(self, _, *command):
        return ["env", f"LD_PRELOAD={self._library}", f"FAKETIME_TIMESTAMP_FILE={self._file}",
                "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", *command]

    def jump(self, seconds):
        """So far from the true time, from now on."""
        self._file.write_text(f"{seconds:+d}\n")


@contextlib.contextmanager
def stopped(*daemons):
    for daemon in daemons:
        os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for daemon in daemons:
            os.kill(daemon.process.pid, signal.SIGCONT)


@contextlib.contextmanager
def in_the_freezer(*daemons):
    """As the processes of a machine that sleeps, or of a container that is paused."""
    group = cgroup_root() / f"relayd-test-{os.getpid()}-freezer"
    group.mkdir()
    pids = [str(daemon.process.pid) for daemon in daemons]
    try:
        for pid in pids:
            (group / "cgroup.procs").write_text(pid)
        (group / "cgroup.freeze").write_text("1")
        wait_for("the frost", lambda: "frozen 1" in (group / "cgroup.events").read_text())
        yield
    finally:
        (group / "cgroup.freeze").write_text("0")
        for pid in pids:
            (group.parent / "cgroup.procs").write_text(pid)
        group.rmdir()


def standing_still(scene, tunnel, transfer):
    for name, way, daemons in (("the relay", stopped, [tunnel.relay]),
                               ("the home", stopped, [tunnel.home]),
                               ("both", stopped, [tunnel.relay, tunnel.home]),
                               ("both, in the freezer,", in_the_freezer, [tunnel.relay, tunnel.home])):
        if way is in_the_freezer and not cgroup_root():
            print("no cgroup v2: no freezer")
            continue
        transfer.next()
        with way(*daemons):
            time.sleep(3 * PING_SECONDS)  # How long they stand still.
        tunnel.wait_for_session()
        scene.fact(f"{name} stood still for three times what a peer waits for an answer")


def jumping(scene, tunnel, transfer, clock):
    for offset in (86400, -86400, 3 * YEAR, -3 * YEAR, 0):
        transfer.next()
        clock.jump(offset)
        # Both read the time of day again, for the lines of their logs and for certificates.
        wait_for("a carrier to cut", tunnel.cut_carriers)
        tunnel.wait_for_session()
        year = time.strftime("%Y-%m-%d", time.localtime(time.time() + offset))
        wait_for(f"lines of {year}", lambda day=year: all(
            day in daemon.log() for daemon in (tunnel.relay, tunnel.home)))
    scene.fact("the time of day jumped by a day and by three years, there and back")


def case(scene, steps, disasters, clock=None, settings=None):
    answer = os.urandom(BYTES_PER_STREAM)
    target = Target(scene, lambda connection: Exchange(answer).run(connection))
    tunnel = Tunnel(scene, target.port, network=clock, settings=settings)
    before = tunnel.attached()["id"]
    with Transfer(tunnel.forward(target.port, "--probe", "none"), target, answer, STREAMS,
                  steps) as transfer:
        disasters(tunnel, transfer)
        transfer.end()
    assert tunnel.attached()["id"] == before
    scene.fact(f"{STREAMS} streams went on, {STREAMS * BYTES_PER_STREAM // 1_000_000} MB each way are "
               "equal byte for byte, in one session")


def main():
    with Scene() as scene:
        case(scene, 4, lambda tunnel, transfer: standing_still(scene, tunnel, transfer), settings=QUICK)
    with Scene() as scene:
        clock = Clock(scene)
        case(scene, 5, lambda tunnel, transfer: jumping(scene, tunnel, transfer, clock), clock=clock)


if __name__ == "__main__":
    main()
