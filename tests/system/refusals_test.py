#!/usr/bin/env python3
"""What a visitor sees when it cannot be served: an end, soon, and never silence."""

import time

from harness.clients import connect
from harness.processes import Scene, wait_for
from harness.relayd import Tunnel
from harness.targets import Target, echo

AT_ONCE_SECONDS = 3
GRACE_SECONDS = 6  # A home needs less to start.


def seconds_until_the_end(port):
    """How long a visitor waits for the end of its connection; fails if anything else comes."""
    started = time.monotonic()
    try:
        with connect(port, seconds=30) as visitor:
            heard = visitor.recv(100)
            assert heard == b"", heard
    except (ConnectionResetError, ConnectionRefusedError):
        pass
    return time.monotonic() - started


def is_served(port):
    with connect(port, seconds=30) as visitor:
        visitor.sendall(b"hello")
        return visitor.recv(100) == b"hello"


def a_closed_target_is_an_end(scene, tunnel, closed):
    assert seconds_until_the_end(tunnel.forward(closed)) < AT_ONCE_SECONDS
    scene.fact("nothing listens at the target: the visitor sees an end at once")


def a_forbidden_target_is_an_end(scene, tunnel, forbidden):
    port = tunnel.forward(forbidden.port)
    assert seconds_until_the_end(port) < AT_ONCE_SECONDS
    scene.fact("the home does not allow the target: the visitor sees an end at once")
    command = f"relayctl allow 127.0.0.1:{forbidden.port}"
    wait_for("advice in a log", lambda: command in tunnel.home.log() + tunnel.relay.log())
    scene.fact("a log names the command that allows it")
    tunnel.home.relayctl("allow", f"127.0.0.1:{forbidden.port}")
    wait_for("the forward", lambda: is_served(port))
    scene.fact("that command allows it")


def an_absent_home_is_waited_for(scene, tunnel, target):
    port = tunnel.forward(target.port, "--grace", f"{GRACE_SECONDS}s")
    assert is_served(port)
    tunnel.home.process.stop()
    wait_for("the relay to notice", lambda: not tunnel.attached())
    with connect(port) as visitor:
        visitor.sendall(b"patience")
        tunnel.start_home()
        assert visitor.recv(100) == b"patience"
    scene.fact("a visitor who comes while the home is away is served when it returns in time")

    tunnel.home.process.stop()
    wait_for("the relay to notice", lambda: not tunnel.attached())
    waited = seconds_until_the_end(port)
    assert waited < GRACE_SECONDS + AT_ONCE_SECONDS, waited
    scene.fact(f"the home stays away: the visitor sees an end after {waited:.1f} s")
    waited = seconds_until_the_end(port)
    assert waited < AT_ONCE_SECONDS, waited
    scene.fact("once the grace is over, the next visitor sees an end at once")


def main():
    with Scene() as scene:
        allowed, forbidden = Target(scene, echo), Target(scene, echo)
        closed = scene.free_port()
        tunnel = Tunnel(scene, allowed.port, closed)
        a_closed_target_is_an_end(scene, tunnel, closed)
        a_forbidden_target_is_an_end(scene, tunnel, forbidden)
        an_absent_home_is_waited_for(scene, tunnel, allowed)


if __name__ == "__main__":
    main()
