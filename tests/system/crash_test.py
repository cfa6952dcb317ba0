#!/usr/bin/env python3
"""Relay and home are killed in turn at random moments while busy streams go both ways: no stream
ends, and no byte is lost or doubled.

crash_test.py [--kills N] [--streams N] [--seed N] [--carrier wss|http+poll|...]
"""

import argparse
import os
import random
import time

from harness.clients import connect
from harness.endless import Crowd
from harness.keeper import KeptTunnel
from harness.processes import Scene, wait_for
from harness.targets import Service, Target, echo

LAYOUT_PLACE = 8  # In the arena's head.
ENOUGH_BYTES = 4 << 20  # Have moved, so all goes on.


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=16)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--carrier", default="wss", help="what the home dials with")
    return parser.parse_args()


def kill_in_turn(tunnel, crowd, kills, chance):
    """How long until bytes flowed again, in rising order."""
    pauses = []
    for number in range(kills):
        goal = crowd.moved() + chance.randrange(ENOUGH_BYTES)
        wait_for("a random moment", lambda least=goal: crowd.moved() >= least, 60)
        victim = tunnel.home if number % 2 else tunnel.relay
        victim.kill()
        began, before = time.monotonic(), crowd.moved()
        victim.go_on()
        # More than lay in the buffers of sockets.
        wait_for(f"bytes after kill {number + 1}",
                 lambda least=before + ENOUGH_BYTES: crowd.moved() >= least, 30)
        pauses.append(time.monotonic() - began)
        assert not crowd.broken(), crowd.broken()
    return sorted(pauses)


def memory_that_cannot_be_read(scene, tunnel, port):
    """As after a downgrade: the layout's number is another one."""
    with connect(port) as visitor:
        must_echo(visitor)
        tunnel.relay.kill()
        arena, = (fd for name, fd in tunnel.relay.store.kept if name.startswith("arena-"))
        os.pwrite(arena, b"\x63", LAYOUT_PLACE)
        tunnel.relay.go_on()
        try:
            raise AssertionError(f"not reset, but {visitor.recv(1)}")
        except ConnectionResetError:
            pass
    wait_for("the relay", lambda: tunnel.relay.relayctl("status", check=False).returncode == 0)
    assert "its layout is number 99" in tunnel.relay.log(), tunnel.relay.log()
    tunnel.wait_for_session()
    with connect(port) as visitor:
        must_echo(visitor)
    scene.fact("memory of another layout is not read: its streams are reset, and new ones served")


def must_echo(visitor):
    visitor.sendall(b"x")
    assert visitor.recv(1) == b"x"


def main():
    wish = options()
    print(f"seed {wish.seed}", flush=True)
    with Scene() as scene:
        crowd = Crowd(wish.streams)
        target = Target(scene, crowd.serve)
        quiet = Service(scene, echo)
        tunnel = KeptTunnel(scene, target.port, quiet.port, carrier=wish.carrier)
        port = tunnel.forward(target.port, "--probe", "none")
        session = tunnel.wait_for_session()["id"]
        crowd.come(port)
        pauses = kill_in_turn(tunnel, crowd, wish.kills, random.Random(wish.seed))
        moved = crowd.leave()
        scene.fact(f"{wish.kills} kills: none of {wish.streams} connections broke, and "
                   f"{sum(map(sum, moved)) >> 20} MB came as they were sent")
        served = sorted(tuple(reversed(target.result())) for _ in moved)
        assert served == moved, (served, moved)
        scene.fact("each end has received just as many bytes as the other has sent")
        assert tunnel.wait_for_session()["id"] == session
        scene.fact("it is one session all the time")
        assert sorted(tunnel.relay.store.names())[1:] == ["parking", "parking"]
        scene.fact("three descriptors are stored, however many connections there are")
        memory_that_cannot_be_read(scene, tunnel,
                                   tunnel.forward(quiet.port, "--probe", "none"))
        print(f"until 4 MB had moved after a kill: {pauses[len(pauses) // 2]:.3f} s (median), "
              f"{pauses[-1]:.3f} s (most)")


if __name__ == "__main__":
    main()
