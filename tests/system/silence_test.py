#!/usr/bin/env python3
"""A link that dies without a word is noticed by both ends: within ten seconds, or within two if they
are told so."""

import time

from harness.clients import connect
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.relayd import Tunnel
from harness.targets import Target, echo
from testhost import Network

PATIENCE_SECONDS = 1  # For asking, beside what is promised.


def is_attached(daemon):
    return any(each["state"] == "attached" for each in daemon.ask("sessions")["sessions"])


def both_notice(scene, network, tunnel, promised, words):
    """Seconds until then, of each end."""
    run(*network.inside("home", "ip", "link", "set", "eth0", "down"))
    began, noticed = time.monotonic(), {}

    def all_have():
        for name, daemon in (("home", tunnel.home), ("relay", tunnel.relay)):
            if name not in noticed and not is_attached(daemon):
                noticed[name] = time.monotonic() - began
        return len(noticed) == 2
    wait_for("both ends to notice", all_have, promised + 20)
    assert max(noticed.values()) <= promised + PATIENCE_SECONDS, noticed
    scene.fact(f"{words}: the home notices after {noticed['home']:.1f} s, the relay after "
               f"{noticed['relay']:.1f} s")
    run(*network.inside("home", "ip", "link", "set", "eth0", "up"))
    tunnel.wait_for_session(60)


def a_dead_link_is_noticed(promised, settings):
    with Scene() as scene, Network("relay", "home") as network:
        with on_host(network, "home"):
            target = Target(scene, echo)
        tunnel = Tunnel(scene, target.port, network=network, settings=settings)
        port = tunnel.forward(target.port, "--probe", "none")
        words = f"{promised} s are promised"
        both_notice(scene, network, tunnel, promised, f"{words}, no stream is open")
        with on_host(network, "relay"), connect(port, seconds=60) as visitor:
            visitor.sendall(b"x")
            assert visitor.recv(1) == b"x"
            both_notice(scene, network, tunnel, promised, f"{words}, a stream is open")


def main():
    a_dead_link_is_noticed(10, settings=None)
    a_dead_link_is_noticed(2, {"ping-interval": "500ms", "ping-deadline": "1500ms"})


if __name__ == "__main__":
    main()
