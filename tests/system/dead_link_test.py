#!/usr/bin/env python3
"""The link between home and relay dies without a word, and later the home has another address: what
is under way waits, and goes on where it was."""

import os
import time

from harness.exchange import Exchange, Transfer
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.relayd import Tunnel
from harness.targets import Target
from testhost import Network

STREAMS = 2
BYTES_PER_STREAM = 25_000_000
NOTICED_SECONDS = 15  # A ping every 3 s, its answer awaited for 7, and some for a busy machine.
NEW_ADDRESS = "10.78.0.77"


def on_home(network, *words):
    run(*network.inside("home", "ip", *words))


def the_link_dies(scene, network, tunnel):
    on_home(network, "link", "set", "eth0", "down")
    began = time.monotonic()
    wait_for("the relay to notice", lambda: not tunnel.attached(), NOTICED_SECONDS)
    scene.fact(f"the relay notices a dead link after {time.monotonic() - began:.1f} s")
    on_home(network, "link", "set", "eth0", "up")
    session = tunnel.wait_for_session(60)
    scene.fact("the home is back when the link is")
    return session["id"]


def the_address_changes(scene, network, tunnel):
    on_home(network, "addr", "del", f"{network.addresses['home']}/24", "dev", "eth0")
    on_home(network, "addr", "add", f"{NEW_ADDRESS}/24", "dev", "eth0")

    def is_there():
        session = tunnel.attached()
        return session and session["address"].startswith(f"{NEW_ADDRESS}:") and session
    session = wait_for("the home at its new address", is_there, 60)
    scene.fact("the home is back from its new address")
    return session["id"]


def main():
    with Scene() as scene, Network("relay", "home") as network:
        answer = os.urandom(BYTES_PER_STREAM)
        with on_host(network, "home"):
            target = Target(scene, lambda connection: Exchange(answer).run(connection))
        tunnel = Tunnel(scene, target.port, network=network)
        port = tunnel.forward(target.port, "--probe", "none")
        sessions = {tunnel.attached()["id"]}
        with on_host(network, "relay"):
            transfer = Transfer(port, target, answer, STREAMS, 2)
        with transfer:
            for disaster in (the_link_dies, the_address_changes):
                transfer.next()
                sessions.add(disaster(scene, network, tunnel))
            transfer.end()
        scene.fact("50 MB each way are equal byte for byte, over the connections they began on")
        assert len(sessions) == 1, sessions
        scene.fact("it was one session all the time")


if __name__ == "__main__":
    main()
