#!/usr/bin/env python3
"""SIGTERM to a relay and to a home in the foreground, where nobody keeps anything for them, while busy
connections go both ways: they end in time, and in good order."""

import signal
import time

from harness.endless import Crowd
from harness.processes import Scene, wait_for
from harness.relayd import Tunnel
from harness.targets import Target

ENOUGH_BYTES = 16 << 20
SECONDS = 5


def main():
    with Scene() as scene:
        crowd = Crowd(8)
        target = Target(scene, crowd.serve)
        tunnel = Tunnel(scene, target.port)
        port = tunnel.forward(target.port, "--probe", "none")
        for daemon, other in ((tunnel.home, tunnel.relay), (tunnel.relay, tunnel.home)):
            crowd.come(port)
            before = crowd.moved()
            wait_for("busy visitors", lambda least=before + ENOUGH_BYTES: crowd.moved() > least, 60)
            began = time.monotonic()
            daemon.process.signal(signal.SIGTERM)
            assert daemon.process.wait(SECONDS) == 0
            scene.fact(f"the {daemon.name} ended {1000 * (time.monotonic() - began):.0f} ms after SIGTERM")
            assert other.process.running()
            if daemon is tunnel.home:
                tunnel.start_home()


if __name__ == "__main__":
    main()
