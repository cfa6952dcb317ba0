#!/usr/bin/env python3
"""What was said at run time holds over a restart, unless it was temporary."""

from harness.clients import connect
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, Tunnel
from harness.targets import Target, echo


def speaks(port):
    try:
        with connect(port, seconds=3) as visitor:
            visitor.sendall(b"hello")
            return visitor.recv(100) == b"hello"
    except OSError:
        return False


def main():
    with Scene() as scene:
        target, later = Target(scene, echo), Target(scene, echo)
        tunnel = Tunnel(scene, target.port)
        kept = tunnel.forward(target.port)
        timed = tunnel.forward(target.port, "--for", "2h")
        temporary = tunnel.forward(target.port, "--temporary")
        to_later = tunnel.forward(later.port)
        tunnel.home.relayctl("allow", f"127.0.0.1:{later.port}")
        assert all(speaks(port) for port in (kept, timed, temporary, to_later))
        short = tunnel.forward(target.port, "--for", "1s")
        wait_for("the end of a forward's time", lambda: not speaks(short), 5)
        scene.fact("a forward goes when its time is up")

        tunnel.relay.process.stop()
        tunnel.relay.start("relay", "--listen", tunnel.address())
        tunnel.wait_for_session()
        scene.fact("the home that was added is still known, and comes back by itself")
        assert all(speaks(port) for port in (kept, timed, to_later))
        listed = {each["listen"]: each for each in tunnel.relay.ask("forward", "list")["forwards"]}
        assert set(listed) == {f"127.0.0.1:{port}" for port in (kept, timed, to_later)}, listed
        assert "expires" in listed[f"127.0.0.1:{timed}"]
        scene.fact("forwards are back, but for the temporary one")

        tunnel.home.process.stop()
        tunnel.start_home()
        assert speaks(to_later)
        scene.fact("what the home was told to allow is still allowed")

        tunnel.relay.relayctl("forward", "remove", str(kept))
        tunnel.relay.relayctl("home", "remove", HOME_NAME)
        tunnel.relay.process.stop()
        tunnel.relay.start("relay", "--listen", tunnel.address())
        assert tunnel.relay.ask("forward", "list")["forwards"] == []
        assert tunnel.relay.ask("home", "list")["homes"] == []
        scene.fact("what was removed stays away")


if __name__ == "__main__":
    main()
