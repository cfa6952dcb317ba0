#!/usr/bin/env python3
"""A home with two ways to its relay uses both, and goes on by one when the other dies."""

import concurrent.futures
import hashlib
import json
import os
import socket
import time

from harness.clients import connect
from harness.exchange import Exchange, Visitor
from harness.links import Link
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.relayd import Tunnel
from harness.targets import Service, Target
from harness.traffic import WISH, bytes_from, serve, to_end

RATE_MBIT = 50
STREAMS = 8
BYTES_PER_STREAM = 3_000_000
# As fast as they may be for the test's own sake; blackholes are noticed in two seconds.
PINGS = {"ping-interval": "500ms", "ping-deadline": "1500ms"}


class Ways:
    """A relay that is reached by two links, and a home that keeps as many carriers as it is told."""

    def __init__(self, scene, links):
        self.scene, self.links = scene, links
        self.answer = os.urandom(BYTES_PER_STREAM)
        with on_host(links[0], "home"):
            self.target = Target(scene, lambda connection: Exchange(self.answer).run(connection))
            wishes = Service(scene, serve)
        second = f"tls://{links[1].addresses['relay']}:{scene.free_port()}"
        self.tunnel = Tunnel(scene, self.target.port, wishes.port, network=links[0], also_listen=[second],
                             settings=PINGS)
        self.relays = [self.tunnel.address(), second]
        self.port = self.tunnel.forward(self.target.port, "--probe", "none")
        self.port_of_wishes = self.tunnel.forward(wishes.port, "--probe", "none")

    def restart_home(self, carriers, **more):
        self.tunnel.home.process.stop()
        self.tunnel.home_settings = {"relay": json.dumps(self.relays), "carriers": carriers, **more}
        self.tunnel.start_home()
        return wait_for(f"{carriers} carriers", lambda: self.carriers(carriers))

    def carriers(self, count):
        session = self.tunnel.attached()
        carriers = session["carriers"] if session else []
        return carriers if len(carriers) == count and all("rtt_ms" in each for each in carriers) \
            else None

    def visitors(self, size=BYTES_PER_STREAM):
        with on_host(self.links[0], "relay"):
            return [Visitor(self.port, size) for _ in range(STREAMS)]

    def judge(self, visitors, arrived):
        assert arrived == STREAMS * [hashlib.sha256(self.answer).hexdigest()]
        assert {self.target.result() for _ in visitors} == {
            hashlib.sha256(visitor.sent).hexdigest() for visitor in visitors}

    def there_and_back(self, seed):
        """So many bytes to the target, and then as many from it."""
        sent = bytes_from(seed, BYTES_PER_STREAM)
        with on_host(self.links[0], "relay"):
            connection = connect(self.port_of_wishes, seconds=120)
        with connection:
            connection.sendall(WISH.pack(b"h", seed, BYTES_PER_STREAM) + sent)
            connection.shutdown(socket.SHUT_WR)
            answer = to_end(connection)
        assert answer == hashlib.sha256(sent).digest() + bytes_from(seed + 1, BYTES_PER_STREAM)

    def throughput(self):
        """In Mbit/s."""
        with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
            began = time.monotonic()
            list(pool.map(self.there_and_back, range(0, 2 * STREAMS, 2)))
            return 2 * 8 * STREAMS * BYTES_PER_STREAM / (time.monotonic() - began) / 1e6

    def reset(self, link):
        """Both ends of the carrier on `link` hear of its end at once."""
        for name in ("relay", "home"):
            run(*link.inside(name, "ss", "-H", "-t", "-K", "src", link.addresses[name]))


def both_are_used(scene, ways):
    ways.restart_home(1)
    alone = ways.throughput()
    before = {each["slot"]: each for each in ways.restart_home(2)}
    assert [before[slot]["kind"] for slot in (0, 1)] == ["wss", "tls"], before
    scene.fact("a home keeps a wss and a tls carrier side by side")
    table = ways.tunnel.relay.relayctl("sessions").stdout
    for link in ways.links:
        assert f"{link.addresses['home']}:" in table, table
    scene.fact("relayctl sessions lists both")
    together = ways.throughput()
    after = ways.carriers(2)
    for way in ("bytes_in", "bytes_out"):
        bytes_of = {each["slot"]: each[way] - before[each["slot"]][way] for each in after}
        assert min(bytes_of.values()) > 0.3 * sum(bytes_of.values()), bytes_of
    scene.fact("each carries its share, each way")
    scene.fact(f"{alone:.0f} Mbit/s by one link of {RATE_MBIT} Mbit/s, {together:.0f} by two: "
               f"{together / alone:.2f} times")
    assert together > 1.4 * alone


def one_dies(scene, ways, how, kill):
    """In the middle of an exchange; the other carries it to its end, and the dead one comes back."""
    link = ways.links[0]
    first = ways.tunnel.attached()["id"]
    visitors = ways.visitors()
    for visitor in visitors:
        visitor.hold_at(BYTES_PER_STREAM // 2)
    with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
        visits = [pool.submit(visitor.visit) for visitor in visitors]
        wait_for("a part of the bytes",
                 lambda: all(each.received > BYTES_PER_STREAM // 8 for each in visitors), 60)
        link.cut()
        kill(link)
        began = time.monotonic()
        seen = [visitor.received for visitor in visitors]
        for visitor in visitors:
            visitor.hold_at(BYTES_PER_STREAM)
        moved = []
        while len(moved) < STREAMS:
            wait_for("a stream to go on", lambda: sum(
                visitor.received > before for visitor, before in zip(visitors, seen)) > len(moved), 60)
            moved.append(time.monotonic() - began)
        arrived = [visit.result(120) for visit in visits]
    ways.judge(visitors, arrived)
    left = ways.carriers(1)
    assert left and left[0]["slot"] == 1, ways.tunnel.sessions()
    scene.fact(f"one of two is {how}: the first stream goes on after {moved[0] * 1000:.0f} ms, the "
               f"last after {moved[-1] * 1000:.0f} ms, all by the other carrier")
    link.heal()
    wait_for("the other carrier again", lambda: ways.carriers(2), 60)
    assert ways.tunnel.attached()["id"] == first
    scene.fact("when its link is back, it is")


def the_relay_forgets(scene, ways):
    """Both carriers come to a relay that does not know their session: it begins one, and only one."""
    tunnel = ways.tunnel
    former = tunnel.attached()["id"]
    relay, home = len(tunnel.relay.log()), len(tunnel.home.log())
    tunnel.relay.process.kill()
    tunnel.relay.start(*tunnel.relay_arguments(ways.relays[1:]))
    wait_for("both carriers", lambda: ways.carriers(2), 60)
    assert tunnel.attached()["id"] != former
    assert "another process" not in tunnel.relay.log()[relay:] + tunnel.home.log()[home:]
    assert tunnel.home.log()[home:].count("session begun with") == 1
    scene.fact("after a relay has lost the session, both carriers are of one new session")


def a_way_out_is_chosen(scene, ways):
    address = ways.links[1].addresses["home"]
    ways.restart_home(1, bind=address)
    assert ways.tunnel.attached()["address"].startswith(f"{address}:"), ways.tunnel.sessions()
    scene.fact("bind: says from which address the home dials")


def main():
    with Scene() as scene, Link(rate=RATE_MBIT, delay=5) as first, \
            Link(beside=first, rate=RATE_MBIT, delay=5) as second:
        ways = Ways(scene, [first, second])
        both_are_used(scene, ways)
        one_dies(scene, ways, "reset", ways.reset)
        one_dies(scene, ways, "a blackhole", lambda link: None)
        the_relay_forgets(scene, ways)
        a_way_out_is_chosen(scene, ways)


if __name__ == "__main__":
    main()
