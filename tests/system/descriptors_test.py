#!/usr/bin/env python3
"""A relay and a home that may open no more files refuse who is new, say so now and then, and leave
alone who is there; once there are files again, all is as before."""

import contextlib
import os
import resource
import time

from harness.clients import connect
from harness.exchange import Exchange, Transfer
from harness.processes import Scene, wait_for
from harness.relayd import Tunnel
from harness.targets import Target, echo

STREAMS = 8
BYTES_PER_STREAM = 8_000_000
STEPS = 4
MORE = 64  # So many files more than it has may it open,
CROWD = 150  # and so many visitors come.
TOO_FEW = 8  # Fewer than it has.
LOOKS_SECONDS = 3


def files_of(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


@contextlib.contextmanager
def at_most(daemon, files):
    pid = daemon.process.pid
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (files, usual[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)


def says(port):
    """A visitor that was let in, or None."""
    visitor = None
    try:
        visitor = connect(port)
        visitor.sendall(b"x")
        if visitor.recv(1) == b"x":
            return visitor
    except (ConnectionResetError, BrokenPipeError):
        pass
    if visitor:
        visitor.close()
    return None


def is_served(port):
    visitor = says(port)
    if visitor:
        visitor.close()
    return visitor


def lines_of(daemon, text):
    return daemon.log().count(text)


def a_crowd_takes_all_files(scene, tunnel, port, transfer):
    relay = tunnel.relay
    with at_most(relay, files_of(relay) + MORE), contextlib.ExitStack() as crowd:
        began, used = time.monotonic(), relay.processor_seconds()
        let_in = [guest for _ in range(CROWD) if (guest := says(port))]
        for visitor in let_in:
            crowd.enter_context(visitor)
        took = time.monotonic() - began
        print(f"{len(let_in)} of {CROWD} visitors were let in, in {took:.1f} s, for "
              f"{relay.processor_seconds() - used:.2f} s of the relay's processor", flush=True)
        assert 0 < len(let_in) < MORE
        lines = lines_of(relay, "too many files are open")
        assert 1 <= lines <= 1 + took / 10, lines
        scene.fact(f"who comes when there are few files left is refused, of which {lines} line tells")
        assert relay.ask("status")["sessions"] == 1
        tunnel.cut_carriers()
        tunnel.wait_for_session()
        scene.fact("relayctl and the home still find a file")
        transfer.next()
    wait_for("a visitor to be let in", lambda: is_served(port))
    scene.fact("once the crowd has gone, visitors are served again")


def nothing_can_be_opened(scene, tunnel, port, transfer):
    relay = tunnel.relay
    with contextlib.ExitStack() as later:
        with at_most(relay, TOO_FEW):
            waiting = later.enter_context(connect(port))
            waiting.sendall(b"patience")
            wait_for("a line in the log", lambda: lines_of(relay, "no visitor can be let in"))
            transfer.next()
            wait_for("a carrier to cut", tunnel.cut_carriers)
            wait_for("another", lambda: lines_of(relay, "no home can be let in"))
            began, used = time.monotonic(), relay.processor_seconds()
            time.sleep(LOOKS_SECONDS)  # Nothing is what is measured.
            share = (relay.processor_seconds() - used) / (time.monotonic() - began)
            print(f"processor of a relay that cannot accept: {share:.1%} of a core", flush=True)
            assert share < 0.3, share
            for text in ("no visitor can be let in", "no home can be let in"):
                assert lines_of(relay, text) <= 2, text
        scene.fact("without any file the relay does not spin, and says so once in a while")
        assert waiting.recv(100) == b"patience"
        tunnel.wait_for_session(60)
        transfer.next()
    scene.fact("with files again, those who waited outside are served: the home, and the visitor")


def the_home_has_none(scene, tunnel, port, transfer):
    home = tunnel.home
    with at_most(home, TOO_FEW):
        assert not says(port)
        transfer.next()
    wait_for("a visitor to be served", lambda: is_served(port))
    assert lines_of(home, "no socket: Too many open files") >= 1
    assert lines_of(tunnel.relay, "was turned away: limit reached") >= 1, "no reason"
    scene.fact("a home without files refuses the stream, says why, and goes on")


def main():
    with Scene() as scene:
        answer = os.urandom(BYTES_PER_STREAM)
        target = Target(scene, lambda connection: Exchange(answer).run(connection))
        echoing = Target(scene, echo)
        tunnel = Tunnel(scene, target.port, echoing.port)
        before = tunnel.attached()["id"]
        port = tunnel.forward(echoing.port, "--probe", "none")
        with Transfer(tunnel.forward(target.port, "--probe", "none"), target, answer, STREAMS,
                      STEPS) as transfer:
            a_crowd_takes_all_files(scene, tunnel, port, transfer)
            nothing_can_be_opened(scene, tunnel, port, transfer)
            # Of another forward: each has a line in 10 s.
            the_home_has_none(scene, tunnel, tunnel.forward(echoing.port, "--probe", "none"), transfer)
            transfer.end()
        assert tunnel.attached()["id"] == before
        scene.fact(f"{STREAMS} streams went on meanwhile, {STREAMS * BYTES_PER_STREAM // 1_000_000} MB "
                   "each way are equal byte for byte")


if __name__ == "__main__":
    main()
