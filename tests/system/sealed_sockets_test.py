#!/usr/bin/env python3
"""Streams that are sealed end to end, of unix sockets: at the visitor, the relay's listener and the
target, none of whose bytes the kernel counts; visitor, relay and home are killed in turn.

sealed_sockets_test.py [--kills N] [--seed N]
"""

import argparse
import os
import random

from harness.clients import connect, read_to_end
from harness.endless import Crowd
from harness.keeper import KeptTunnel
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, place_text
from harness.targets import Service, Target, echo
from harness.visits import VISITOR, Visits

STREAMS = 8
ENOUGH_BYTES = 4 << 20  # Have moved, so all goes on.
NO_PROBE = ("--probe", "none")


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=18)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    return parser.parse_args()


def all_are_sealed(visits):
    for daemon in (visits.visitor, visits.tunnel.relay, visits.tunnel.home):
        streams = daemon.ask("streams")["streams"]
        assert streams and all(each["end_to_end"] for each in streams), (daemon.name, streams)


def none_is_lost(visits, wish, place, crowd, target):
    tunnel = visits.tunnel
    chance = random.Random(wish.seed)
    crowd.come(place)
    wait_for("bytes", lambda: crowd.moved() > ENOUGH_BYTES, 60)
    all_are_sealed(visits)
    for stream in tunnel.home.ask("streams")["streams"]:
        assert stream["visitor"] == VISITOR, stream
    victims = (visits.visitor, tunnel.relay, tunnel.home)
    for number in range(wish.kills):
        goal = crowd.moved() + chance.randrange(ENOUGH_BYTES)
        wait_for("a random moment", lambda least=goal: crowd.moved() >= least, 60)
        victim = victims[number % len(victims)]
        victim.kill()
        before = crowd.moved()
        victim.go_on()
        wait_for(f"bytes after kill {number + 1}",
                 lambda least=before + ENOUGH_BYTES: crowd.moved() >= least, 60)
        assert not crowd.broken(), crowd.broken()
    all_are_sealed(visits)
    moved = crowd.leave()
    served = sorted(tuple(reversed(target.result())) for _ in moved)
    assert served == moved, (served, moved)
    visits.scene.fact(f"{wish.kills} kills: none of {crowd.count} sealed connections from "
                      f"{place_text(place)} broke, and {sum(map(sum, moved)) >> 20} MB came as "
                      "they were sent")


def ends_are_heard(scene, visits, place, target):
    sent = os.urandom(3_000_000)
    with connect(place, 60) as client:
        client.sendall(sent)
    assert target.result() == sent
    scene.fact("what a client said at a socket before it closed arrives whole")


def trust_is_the_homes(visits, socket):
    """Whichever of its sockets is asked for."""
    what = f"{HOME_NAME}:{socket}"
    key = visits.tunnel.relay.ask("home", "list")["homes"][0]["fingerprints"][0]
    for words in ((), ("--end-to-end",), ("--home-key", f"{HOME_NAME}={key}")):
        done = visits.stdio(what, *words)
        assert (done.returncode, done.stdout) == (0, b"x"), done
    done = visits.stdio(what, "--home-key", f"{HOME_NAME}=SHA256:" + "A" * 43)
    assert done.returncode == 1 and not done.stdout, done
    assert b"home-key names" in done.stderr, done.stderr
    known = (visits.visitor.state / "known_homes").read_text()
    assert "unix:" not in known and known.count(f"{HOME_NAME}@") == 1, known
    visits.scene.fact("the key of a home holds for all of its sockets")


def main():
    wish = options()
    print(f"seed {wish.seed}", flush=True)
    with Scene() as scene:
        paths = {name: scene.path("targets", name) for name in ("echo", "crowd", "whole")}
        Service(scene, echo, paths["echo"])
        crowds = [Crowd(STREAMS), Crowd(STREAMS)]
        busy = Target(scene, crowds[0].serve, paths["crowd"])
        other = Target(scene, crowds[1].serve)
        whole = Target(scene, read_to_end, paths["whole"])
        tunnel = KeptTunnel(scene, other.port, *paths.values())
        for name, path in paths.items():
            tunnel.forward_from(scene.path("relay-side", name), path, *NO_PROBE)
        port = tunnel.forward(other.port, *NO_PROBE)
        names = [place_text(path) for path in paths.values()]
        visits = Visits(scene, tunnel, [f"{HOME_NAME}:{each}" for each in (*names, port)])
        at = [scene.path("visitor-side", name) for name in ("echo", "crowd", "whole", "port")]
        visits.start(*(f"{HOME_NAME}:{each}" for each in (*names, port)), at=at,
                     words=["--end-to-end"])
        for place in at:
            wait_for("the visitor's socket", place.exists)
        ends_are_heard(scene, visits, at[2], whole)
        none_is_lost(visits, wish, at[1], crowds[0], busy)
        none_is_lost(visits, wish, at[3], crowds[1], other)
        visits.kills_while_sealing(at[0], int(os.environ.get("KILLS", "9")))
        trust_is_the_homes(visits, names[0])


if __name__ == "__main__":
    main()
