#!/usr/bin/env python3
"""The link between home and relay dies without a word, and later the home has another address: what
is under way waits, and goes on where it was."""

import concurrent.futures
import contextlib
import hashlib
import os
import time

from harness.exchange import Exchange, Visitor
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.relayd import Tunnel
from harness.targets import Target
from testhost import Network

STREAMS = 2
BYTES_PER_STREAM = 25_000_000
NOTICED_SECONDS = 12  # A ping every 3 s, its answer awaited for 7.
NEW_ADDRESS = "10.78.0.77"


def on_home(network, *words):
    run(*network.inside("home", "ip", *words))


def wait_for_part(visitors, part):
    """Until that part of all bytes to visitors has arrived."""
    wanted = part * STREAMS * BYTES_PER_STREAM
    wait_for(f"{part:.0%} of the bytes",
             lambda: sum(visitor.received for visitor in visitors) >= wanted, 60)
    assert not all(visitor.received == BYTES_PER_STREAM for visitor in visitors), "too late"


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
    with contextlib.ExitStack() as stack:
        scene = stack.enter_context(Scene())
        network = stack.enter_context(Network("relay", "home"))
        answer = os.urandom(BYTES_PER_STREAM)
        with on_host(network, "home"):
            target = Target(scene, lambda connection: Exchange(answer).run(connection))
        tunnel = Tunnel(scene, target.port, network=network)
        port = tunnel.forward(target.port, "--probe", "none")
        sessions = {tunnel.attached()["id"]}
        with on_host(network, "relay"):
            visitors = [Visitor(port, BYTES_PER_STREAM) for _ in range(STREAMS)]

        with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
            visits = [pool.submit(visitor.visit) for visitor in visitors]
            wait_for_part(visitors, 0.2)
            sessions.add(the_link_dies(scene, network, tunnel))
            wait_for_part(visitors, 0.5)
            sessions.add(the_address_changes(scene, network, tunnel))
            arrived = [visit.result(120) for visit in visits]

        assert arrived == STREAMS * [hashlib.sha256(answer).hexdigest()]
        assert {target.result() for _ in visitors} == {
            hashlib.sha256(visitor.sent).hexdigest() for visitor in visitors}
        scene.fact("50 MB each way are equal byte for byte, over the connections they began on")
        assert len(sessions) == 1, sessions
        scene.fact("it was one session all the time")


if __name__ == "__main__":
    main()
