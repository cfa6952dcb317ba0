#!/usr/bin/env python3
"""A home whose TCP is BBR sends as fast as the path allows, and not three times as fast, though it
never has more than little to send at once."""

import contextlib
import pathlib
import re
import sys

from harness.endless import Crowd
from harness.links import Link
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.relayd import Tunnel
from harness.targets import Target

ALLOWED = pathlib.Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
MBIT_S = 100
STREAMS = 2
GAIN_OF_A_SEARCH = 2
PATIENCE = 120
BYTES_MOST = 50e6  # 7e6 are usual; 166e6, if the kernel never has enough to send.


@contextlib.contextmanager
def bbr_allowed():
    """To namespaces as well. False if the kernel has none."""
    before = ALLOWED.read_text()
    try:
        ALLOWED.write_text(f"{before.strip()} bbr")
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        ALLOWED.write_text(before)


class Carrier:
    """What the home's kernel says of its connection to the relay."""

    def __init__(self, link, tunnel):
        self._command = link.inside("home", "ss", "-Htin", "state", "established",
                                    f"dport = :{tunnel.carrier_port}")

    def _shown(self, pattern):
        found = re.search(pattern, run(*self._command).stdout)
        return float(found[1]) if found else 0.0

    def gain(self):
        return self._shown(r"pacing_gain:([0-9.]+)")

    def bytes_sent(self):
        return self._shown(r"bytes_sent:(\d+)")

    def share_sent_again(self):
        return self._shown(r"bytes_retrans:(\d+)") / self.bytes_sent()


def main():
    with bbr_allowed() as is_allowed:
        if not is_allowed:
            print("skipped: this kernel has no BBR")
            sys.exit(77)
        with Link(delay=20, rate=MBIT_S, queue=20) as link, Scene() as scene:
            for space in ("relay", "home"):
                run(*link.inside(space, "sysctl", "-qw", "net.ipv4.tcp_congestion_control=bbr"))
            check(scene, link)


def check(scene, link):
    crowd = Crowd(STREAMS)
    with on_host(link, "home"):
        target = Target(scene, crowd.serve)
    tunnel = Tunnel(scene, target.port, network=link)
    port = tunnel.forward(target.port, "--probe", "none")
    carrier = Carrier(link, tunnel)
    assert carrier.gain() > GAIN_OF_A_SEARCH
    scene.fact("a home's carrier runs over BBR, which does not know the path yet")
    crowd.come(port, lambda: on_host(link, "relay"))
    wait_for("BBR to know the path", lambda: carrier.gain() < GAIN_OF_A_SEARCH, PATIENCE)
    needed = carrier.bytes_sent()
    scene.fact(f"it knows it after {needed / 1e6:.0f} MB, {carrier.share_sent_again():.0%} of them sent again")
    assert needed < BYTES_MOST, needed
    crowd.leave()
    scene.fact("all bytes were right")


if __name__ == "__main__":
    main()
