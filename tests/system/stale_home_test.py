#!/usr/bin/env python3
"""A home that died or froze does not stand in the way of its successor with the same key."""

import os
import re
import shutil
import signal
import time

from harness.clients import connect
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, Daemon, Tunnel
from harness.targets import Target, echo

AT_ONCE_SECONDS = 5  # Less than the deadline of a ping, so it is not that which ends the old one.


def speaks(port):
    """Whether an echo comes back through the forward."""
    try:
        with connect(port, seconds=3) as visitor:
            visitor.sendall(b"is anybody home?")
            return visitor.recv(100) == b"is anybody home?"
    except OSError:
        return False


def the_end_comes(visitor):
    visitor.settimeout(20)
    try:
        return visitor.recv(100) == b""
    except ConnectionResetError:
        return True


def a_killed_home_is_replaced(scene, tunnel, port):
    with connect(port) as visitor:
        visitor.sendall(b"x")
        assert visitor.recv(1) == b"x"
        tunnel.home.process.kill()
        started = time.monotonic()
        tunnel.home.start(*tunnel.home_arguments())
        wait_for("the forward", lambda: speaks(port), AT_ONCE_SECONDS)
        scene.fact(f"after kill -9 and a new start, the forward works in "
                   f"{time.monotonic() - started:.1f} s")
        assert the_end_comes(visitor)
        scene.fact("a visitor of the dead home sees an end")


def a_frozen_home_is_replaced(scene, tunnel, port):
    frozen = tunnel.home.process
    os.kill(frozen.pid, signal.SIGSTOP)
    assert tunnel.attached(), "the relay cannot know yet"
    successor = Daemon(scene, "home-again")
    shutil.copytree(tunnel.home.state, successor.state)
    started = time.monotonic()
    successor.start(*tunnel.home_arguments())
    wait_for("the forward", lambda: speaks(port), AT_ONCE_SECONDS)
    scene.fact(f"the same key takes over from a frozen home, the forward works in "
               f"{time.monotonic() - started:.1f} s")
    online = [each for each in tunnel.relay.ask("home", "list")["homes"] if each["online"]]
    assert [each["name"] for each in online] == [HOME_NAME], online
    assert len(tunnel.sessions()) == 1, tunnel.sessions()
    scene.fact("one session is left")
    frozen.kill()
    return successor


def a_living_home_gives_way(scene, tunnel, port, older):
    """Of two living processes with one key the newest has it, and the older one does not fight."""
    newest = Daemon(scene, "home-newest")
    shutil.copytree(tunnel.home.state, newest.state)
    newest.start(*tunnel.home_arguments())
    waits = wait_for("the older process to say it", lambda: re.findall(
        r"another process with the same key took the session over: stop one of the two; "
        r"trying again in (\d+) s", older.log()), AT_ONCE_SECONDS)
    assert len(waits) == 1 and int(waits[0]) >= 15, waits
    scene.fact(f"the older of two living processes says what happened, and tries again in {waits[0]} s")
    wait_for("the forward", lambda: speaks(port), AT_ONCE_SECONDS)
    assert len(tunnel.sessions()) == 1, tunnel.sessions()
    assert newest.ask("sessions")["sessions"][0]["id"] == tunnel.sessions()[0]["id"]
    scene.fact("the newest has the session")
    seen = [line for line in tunnel.relay.log().splitlines() if "another process with the key" in line]
    assert len(seen) == 2, seen  # In place of the frozen one, and of this one.
    scene.fact("the relay's log says it, too")


def main():
    with Scene() as scene:
        target = Target(scene, echo)
        tunnel = Tunnel(scene, target.port)
        port = tunnel.forward(target.port)
        assert speaks(port)
        a_killed_home_is_replaced(scene, tunnel, port)
        successor = a_frozen_home_is_replaced(scene, tunnel, port)
        a_living_home_gives_way(scene, tunnel, port, successor)
        assert "in use" not in tunnel.relay.log().lower(), "an address was in use"
        scene.fact("no address was in use")


if __name__ == "__main__":
    main()
