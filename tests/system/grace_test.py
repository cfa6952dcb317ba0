#!/usr/bin/env python3
"""What waits for a home that is away, for how long, and how much of it: open streams, visitors who
come meanwhile, and the listener, which stays for ever."""

import contextlib
import hashlib
import select
import socket
import time

from harness import traffic
from harness.clients import connect
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.relayd import Tunnel
from harness.targets import Service
from testhost import Network

GRACE_SECONDS = 2
QUICK = {"ping-interval": "200ms", "ping-deadline": "1s"}
STREAM_MOST = 16 << 20  # What a ring may have.
PIECE = bytes(range(256)) * 1024
MORE_THAN_FITS = 64 << 20


class Site:
    """A relay, its home and a target on hosts of their own, whose link can be switched off."""

    def __init__(self, scene, network, settings):
        self.network = network
        with on_host(network, "home"):
            target = Service(scene, traffic.serve)
        self.tunnel = Tunnel(scene, target.port, network=network, settings={**QUICK, **settings})
        self.port = self.tunnel.forward(target.port, "--probe", "none", "--grace", f"{GRACE_SECONDS}s")

    def visitor(self):
        with on_host(self.network, "relay"):
            return connect(self.port, seconds=120)

    def streams(self):
        return self.tunnel.relay.ask("streams")["streams"]

    def link_down(self):
        self._link("down")
        wait_for("the relay to notice", lambda: not self.tunnel.attached())

    def link_up(self):
        self._link("up")
        self.tunnel.wait_for_session(60)

    def _link(self, state):
        run(*self.network.inside("home", "ip", "link", "set", "eth0", state))


def is_reset(visitor):
    try:
        heard = visitor.recv(1)
    except ConnectionResetError:
        return True
    raise AssertionError(f"no reset, but {heard!r}")


def fill(visitor, digest):
    """Sends until nothing is taken any more; returns how much was."""
    taken = 0
    while taken < MORE_THAN_FITS and select.select([], [visitor], [], 1)[1]:
        count = visitor.send(PIECE)
        digest.update(PIECE[:count])
        taken += count
    return taken


def an_open_stream_waits(scene, site):
    digest = hashlib.sha256()
    with site.visitor() as visitor:
        visitor.sendall(traffic.WISH.pack(b"h", 1, 1000))
        wait_for("the stream", lambda: len(site.streams()) == 1)
        before = site.tunnel.attached()["id"]
        site.link_down()
        left = time.monotonic()
        with site.visitor() as newcomer:
            taken = fill(visitor, digest)
            assert taken < MORE_THAN_FITS
            [stream] = [each for each in site.streams() if each["visitor"] ==
                        "%s:%d" % visitor.getsockname()]
            assert stream["buffered_bytes"] <= STREAM_MOST, stream
            print(f"without a carrier a visitor sent {taken >> 10} KiB, of which the relay holds "
                  f"{stream['buffered_bytes'] >> 10} KiB, and the kernel's sockets the rest", flush=True)
            scene.fact("a stream that waits takes its ring full, and then nothing from its visitor")
            assert is_reset(newcomer)
        held = time.monotonic() - left
        print(f"a visitor who came meanwhile was held until {held:.1f} s after the home left, "
              f"with a grace of {GRACE_SECONDS} s", flush=True)
        with contextlib.suppress(ConnectionResetError), site.visitor() as late:
            assert is_reset(late)
        scene.fact("who comes meanwhile is held for the grace, then reset; later ones at once")
        assert len(site.streams()) == 1, site.streams()
        scene.fact("the stream that was open outlives the grace")

        site.link_up()
        assert site.tunnel.attached()["id"] == before
        visitor.sendall(PIECE)
        digest.update(PIECE)
        visitor.shutdown(socket.SHUT_WR)
        answer = traffic.to_end(visitor)
        assert answer[:32] == digest.digest() and answer[32:] == traffic.bytes_from(2, 1000)
    scene.fact("the stream goes on with the next carrier, and not a byte is lost or twice")


def the_time_to_keep_is_over(scene, site):
    with site.visitor() as visitor:
        visitor.sendall(traffic.WISH.pack(b"e", 0, 0) + b"x")
        assert visitor.recv(1) == b"x"
        before = site.tunnel.attached()["id"]
        site.link_down()
        assert is_reset(visitor)
        assert site.streams() == []
    scene.fact("a stream that waited for longer than keep-streams is reset")
    listener = next(each for each in site.tunnel.relay.ask("forward", "list")["forwards"])
    assert listener["listening"], listener
    site.link_up()
    assert site.tunnel.attached()["id"] != before
    with site.visitor() as visitor:
        visitor.sendall(traffic.WISH.pack(b"e", 0, 0) + b"again")
        assert visitor.recv(100) == b"again"
    scene.fact("the listener stays, and leads to the home once it is back")


def main():
    for case, settings in ((an_open_stream_waits, {}), (the_time_to_keep_is_over, {"keep-streams": "1s"})):
        with Scene() as scene, Network("relay", "home") as network:
            case(scene, Site(scene, network, settings))


if __name__ == "__main__":
    main()
