#!/usr/bin/env python3
"""The connection between home and relay is cut again and again while 100 MB go each way: visitors
notice nothing but a pause."""

import concurrent.futures
import hashlib
import os

from harness.exchange import Exchange, Visitor
from harness.processes import Scene, wait_for
from harness.relayd import Tunnel
from harness.targets import Target

STREAMS = 4
BYTES_PER_STREAM = 25_000_000
CUTS = 5


def cut_while_bytes_flow(tunnel, visitors):
    """Cuts at even steps of the transfer; returns the ids of the sessions seen."""
    total = STREAMS * BYTES_PER_STREAM
    seen = {tunnel.wait_for_session()["id"]}
    for number in range(1, CUTS + 1):
        for visitor in visitors:  # None is through before the last cut.
            visitor.hold_at(BYTES_PER_STREAM * (2 * number + 1) // (2 * CUTS + 2))
        def far_enough(wanted=total * number // (CUTS + 1)):
            return sum(visitor.received for visitor in visitors) >= wanted
        wait_for(f"the moment of cut {number}", far_enough, 60)
        assert sum(visitor.received for visitor in visitors) < total, "too late to cut"
        wait_for("a carrier to cut", tunnel.cut_carriers)
        seen.add(tunnel.wait_for_session()["id"])
    for visitor in visitors:
        visitor.hold_at(BYTES_PER_STREAM)
    return seen


def main():
    with Scene() as scene:
        answer = os.urandom(BYTES_PER_STREAM)
        target = Target(scene, lambda connection: Exchange(answer).run(connection))
        tunnel = Tunnel(scene, target.port)
        port = tunnel.forward(target.port, "--probe", "none")
        visitors = [Visitor(port, BYTES_PER_STREAM) for _ in range(STREAMS)]
        with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
            visits = [pool.submit(visitor.visit) for visitor in visitors]
            sessions = cut_while_bytes_flow(tunnel, visitors)
            arrived = [visit.result(120) for visit in visits]
        scene.fact(f"{CUTS} cuts: no visitor's connection broke")

        assert arrived == STREAMS * [hashlib.sha256(answer).hexdigest()]
        scene.fact("100 MB from the home are equal byte for byte")
        assert {target.result() for _ in visitors} == {
            hashlib.sha256(visitor.sent).hexdigest() for visitor in visitors}
        scene.fact("100 MB to the home are equal byte for byte")
        assert len(sessions) == 1, sessions
        scene.fact("it was one session all the time")


if __name__ == "__main__":
    main()
