#!/usr/bin/env python3
"""A relay that denies a visitor its end-to-end encryption, in each way that it has, hears nothing of
what is said: not with --end-to-end, and not for a home whose key is known. Of a home that is met for
the first time it hears all, as docs/THREATS.md says, unless it takes the mark off on the way. And a relay
of before FTP for visitors: whoever insists on that is told."""

import contextlib
import socket
import subprocess

from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME, Daemon, build_folder

WAYS = ("version", "refusal", "stripping")
MARKER = b"nobody but the two of us reads this."
HOME_KEY = "SHA256:" + "A" * 43
TARGET = f"{HOME_NAME}:3389"


class Attempt:
    """One visitor, new each time, and the relay that it comes to."""

    def __init__(self, scene, way, words, remembered=False):
        name = f"{way}-{len(words)}-{remembered}"
        port, key = scene.free_port(), scene.path(name, "key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "relay", "-f", key)
        state = scene.path(name, "state", "known_homes").parent
        state.chmod(0o700)
        if remembered:
            relays = run("ssh-keygen", "-l", "-f", key).stdout.split()[1]
            (state / "known_homes").write_text(f"{HOME_NAME}@{relays} {HOME_KEY}\n")
        relay = scene.start("eavesdropper", build_folder() / "tests/system/eavesdropper", key, port,
                            way)
        scene.wait_for_port(port, relay)
        self.done = subprocess.run(
            [build_folder() / "daemon/relayd", "visit", f"ws://127.0.0.1:{port}", TARGET, "--stdio",
             "--state-dir", state, *words],
            input=MARKER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            relay.wait(20)
        self.heard = relay.text()
        assert self.done.returncode == 1 and not self.done.stdout, self.done

    def gave_nothing_away(self):
        assert MARKER.decode() not in self.heard and "opened plain" not in self.heard, self.heard


def no_ftp_with_an_old_relay(scene):
    carrier, port, key = scene.free_port(), scene.free_port(), scene.path("old", "key")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    relay = scene.start("eavesdropper", build_folder() / "tests/system/eavesdropper", key, carrier,
                        "version")
    scene.wait_for_port(carrier, relay)
    visitor = Daemon(scene, "visitor").start("visit", f"ws://127.0.0.1:{carrier}", f"{HOME_NAME}:21",
                                             "--listen", str(port), "--protocol", "ftp")
    wait_for("the session", lambda: visitor.ask("sessions")["sessions"], 60)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            assert client.recv(1) == b""
    except ConnectionResetError:
        pass  # Perhaps before connect() has returned.
    wait_for("the log", lambda: "the relay is of an older version" in visitor.log(), 60)
    assert "opened" not in relay.text(), relay.text()
    scene.fact("a relay of before FTP for visitors is told apart, and nothing is opened")


def main():
    with Scene() as scene:
        for way in WAYS:
            required = Attempt(scene, way, ["--end-to-end"])
            pinned = Attempt(scene, way, ["--home-key", f"{HOME_NAME}={HOME_KEY}"])
            remembered = Attempt(scene, way, [], remembered=True)
            for attempt in (required, pinned, remembered):
                attempt.gave_nothing_away()
                if way != "stripping":
                    assert b"no end-to-end encryption" in attempt.done.stderr, attempt.done.stderr
            first = Attempt(scene, way, [])
            if way == "stripping":
                first.gave_nothing_away()
                assert "opened sealed" in first.heard, first.heard
                assert b"does not begin as a sealed one" in first.done.stderr, first.done.stderr
            else:
                assert MARKER.decode() in first.heard, first.heard
            scene.fact(f"{way}: not a byte of a visitor that insists, or knows the home's key" + (
                ", or meets it for the first time" if way == "stripping" else
                "; whoever meets it for the first time is read"))
        no_ftp_with_an_old_relay(scene)


if __name__ == "__main__":
    main()
