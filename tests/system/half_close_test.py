#!/usr/bin/env python3
"""The ends of a stream are those of the sockets: each direction ends by itself, a reset stays a
reset, and silence ends nothing."""

import os
import socket
import time

from harness.clients import connect, read_to_end
from harness.processes import Scene, wait_for
from harness.relayd import Tunnel
from harness.targets import Target, echo, reset

BYTES = 5_000_000  # More than all buffers between the ends hold.
IDLE_SECONDS = 15  # Longer than any ping or its deadline.


def the_visitor_may_end_first(scene, tunnel, target):
    sent = os.urandom(BYTES)
    with connect(tunnel.forward(target.port, "--probe", "none")) as visitor:
        visitor.sendall(sent)
        visitor.shutdown(socket.SHUT_WR)
        assert read_to_end(visitor) == sent[::-1]
    assert target.result() == BYTES
    scene.fact("a visitor that has said all it wants still gets the whole answer")


def the_target_may_end_first(scene, tunnel, target):
    sent = os.urandom(BYTES)
    with connect(tunnel.forward(target.port, "--probe", "none")) as visitor:
        assert read_to_end(visitor) == b"that is all from me\n"
        visitor.sendall(sent)
        visitor.shutdown(socket.SHUT_WR)
        assert target.result() == sent
    scene.fact("a target that has said all it wants still gets all from the visitor")


def a_targets_reset_is_a_reset(scene, tunnel, target):
    with connect(tunnel.forward(target.port, "--probe", "none")) as visitor:
        visitor.sendall(b"x")
        try:
            ended = visitor.recv(1)
        except ConnectionResetError:
            scene.fact("the target's reset is a reset for the visitor")
            return
    raise AssertionError(f"no reset but {ended!r}")


def a_visitors_reset_is_a_reset(scene, tunnel, target):
    visitor = connect(tunnel.forward(target.port, "--probe", "none"))
    visitor.sendall(b"x")
    assert visitor.recv(1) == b"x"
    reset(visitor)
    try:
        target.result()
    except ConnectionResetError:
        scene.fact("the visitor's reset is a reset for the target")
        return
    raise AssertionError("no reset")


def silence_ends_nothing(scene, tunnel, target):
    with connect(tunnel.forward(target.port, "--probe", "none")) as visitor:
        visitor.sendall(b"before")
        assert visitor.recv(100) == b"before"
        quiet_since = time.monotonic()
        wait_for("a long silence", lambda: time.monotonic() > quiet_since + IDLE_SECONDS,
                 IDLE_SECONDS + 5)
        visitor.sendall(b"after")
        assert visitor.recv(100) == b"after"
    scene.fact(f"a connection lives through {IDLE_SECONDS} s of silence")


def answer_backwards(connection):
    heard = read_to_end(connection)
    connection.sendall(heard[::-1])
    return len(heard)


def end_first(connection):
    connection.sendall(b"that is all from me\n")
    connection.shutdown(socket.SHUT_WR)
    return read_to_end(connection)


def reset_after_a_byte(connection):
    connection.recv(1)
    reset(connection)


def main():
    with Scene() as scene:
        steps = {
            the_visitor_may_end_first: Target(scene, answer_backwards),
            the_target_may_end_first: Target(scene, end_first),
            a_targets_reset_is_a_reset: Target(scene, reset_after_a_byte),
            a_visitors_reset_is_a_reset: Target(scene, echo),
            silence_ends_nothing: Target(scene, echo),
        }
        tunnel = Tunnel(scene, *(target.port for target in steps.values()))
        for step, target in steps.items():
            step(scene, tunnel, target)


if __name__ == "__main__":
    main()
