#!/usr/bin/env python3
"""Relay and home are killed at random moments while busy streams go both ways: no stream ends, and
no byte is lost or doubled.

crash_test.py [--kills N] [--streams N] [--seed N]
"""

import argparse
import concurrent.futures
import hashlib
import os
import random
import time

from harness.exchange import Exchange, Visitor
from harness.keeper import KeptTunnel
from harness.processes import Scene, wait_for
from harness.targets import Target


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    return parser.parse_args()


def kill_while_bytes_flow(tunnel, visitors, kills, size, chance):
    total = len(visitors) * size
    pauses = []

    def received():
        return sum(visitor.received for visitor in visitors)
    for number in range(1, kills + 1):
        for visitor in visitors:  # None is through before the last kill.
            visitor.hold_at(size * (2 * number + 1) // (2 * kills + 2))
        wait_for(f"the moment of kill {number}",
                 lambda wanted=total * number // (kills + 1): received() >= wanted, 60)
        time.sleep(chance.random() / 50)  # A random moment of what goes on.
        victim = tunnel.relay if number % 2 else tunnel.home
        victim.kill()
        before, began = received(), time.monotonic()
        victim.go_on()
        for visitor in visitors:
            visitor.hold_at(size * (2 * number + 2) // (2 * kills + 2))
        wait_for("bytes after a kill", lambda least=before + (1 << 20): received() > least, 30)
        pauses.append(time.monotonic() - began)
    for visitor in visitors:
        visitor.hold_at(size)
    return sorted(pauses)


def main():
    wish = options()
    print(f"seed {wish.seed}", flush=True)
    chance = random.Random(wish.seed)
    size = max(wish.kills, 12) * 500_000
    with Scene() as scene:
        answer = os.urandom(size)
        target = Target(scene, lambda connection: Exchange(answer).run(connection))
        tunnel = KeptTunnel(scene, target.port)
        port = tunnel.forward(target.port, "--probe", "none")
        session = tunnel.wait_for_session()["id"]
        visitors = [Visitor(port, size) for _ in range(wish.streams)]
        with concurrent.futures.ThreadPoolExecutor(wish.streams) as pool:
            visits = [pool.submit(visitor.visit) for visitor in visitors]
            pauses = kill_while_bytes_flow(tunnel, visitors, wish.kills, size, chance)
            arrived = [visit.result(120) for visit in visits]
        scene.fact(f"{wish.kills} kills: none of {wish.streams} connections broke")
        assert arrived == wish.streams * [hashlib.sha256(answer).hexdigest()]
        scene.fact("what came from the home is equal byte for byte")
        assert {target.result() for _ in visitors} == {
            hashlib.sha256(visitor.sent).hexdigest() for visitor in visitors}
        scene.fact("what went to the home is equal byte for byte")
        assert tunnel.wait_for_session()["id"] == session
        scene.fact("it is one session all the time")
        assert tunnel.relay.store.names().count("parking") == 2
        assert len(tunnel.relay.store.names()) == 3, tunnel.relay.store.names()
        scene.fact("three descriptors are stored, however many connections there are")
        print(f"until a megabyte had come after a kill: {pauses[len(pauses) // 2]:.3f} s "
              f"(median), {pauses[-1]:.3f} s (most)")


if __name__ == "__main__":
    main()
