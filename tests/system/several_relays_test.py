#!/usr/bin/env python3
"""A home that keeps a session with each of two relays at once: while one of them is killed, streams
by the other go on as if nothing had happened, and those of the killed one when it is back. Restarts
and kills of the home itself, relays that come and go by a reload."""

import contextlib
import json
import os
import signal
import time

from harness.clients import connect
from harness.exchange import Exchange, Transfer
from harness.keeper import KeptDaemon
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME
from harness.targets import Target, echo

STREAMS = 3
BYTES_PER_STREAM = 20_000_000


class Relay:
    """One of the relays, which the home asks for forwards to the targets."""

    def __init__(self, scene, name, key, targets):
        self.scene, self.name = scene, name
        self.endpoint = f"wss://127.0.0.1:{scene.free_port()}"
        self.ports = {scene.free_port(): target.port for target in targets}
        self.daemon = KeptDaemon(scene, name)
        file = scene.path(name, "relayd.yaml")
        file.write_text("\n".join([
            "relay:", f"  listen: {self.endpoint}", "  homes:", f"    {HOME_NAME}:",
            f"      key: {json.dumps(key)}", f"      may-listen: {json.dumps(sorted(self.ports))}", ""]))
        self.daemon.start("--config", file)

    def entry(self):
        forwards = [f"{{ listen: {port}, to: {to}, probe: none }}" for port, to in self.ports.items()]
        return [f"    {self.name}:", f"      relay: {self.endpoint}",
                f"      forwards: [ {', '.join(forwards)} ]"]

    def forward(self, target):
        return next(port for port, to in self.ports.items() if to == target.port)

    def kill(self):
        self.daemon.kill()


class Home:
    """Whose settings name the relays, and whoever of them is left."""

    def __init__(self, scene):
        self.daemon = KeptDaemon(scene, "home")
        self.file = scene.path("home", "relayd.yaml")

    def write(self, relays):
        lines = [line for relay in relays for line in relay.entry()]
        self.file.write_text("\n".join(["home:", f"  name: {HOME_NAME}", "  relays:", *lines, ""]))

    def sessions(self):
        return {each["relay"]: each for each in self.daemon.ask("sessions")["sessions"]}

    def attached(self, relays):
        sessions = self.sessions()
        return set(sessions) == {relay.name for relay in relays} and all(
            each["state"] == "attached" for each in sessions.values())

    def forwards(self):
        return {(each["relay"], each["listen"]): each
                for each in self.daemon.ask("forward", "list")["forwards"]}

    def restart(self, number):
        self.daemon.end(number)
        self.daemon.go_on()


def both_at_once(scene, home, relays, target):
    wait_for("a session with each relay", lambda: home.attached(relays))
    wait_for("all forwards", lambda: all(each["listening"] for each in home.forwards().values()))
    assert set(home.forwards()) == {(relay.name, f"127.0.0.1:{port}")
                                    for relay in relays for port in relay.ports}
    status = home.daemon.ask("status")
    assert status["sessions"] == 2 and len(status["relays"]) == 2 and not status.get("problems"), status
    ids = {each["id"] for each in home.sessions().values()}
    assert len(ids) == 2, ids
    table = home.daemon.relayctl("sessions").stdout
    assert f"{HOME_NAME} at one" in table and f"{HOME_NAME} at two" in table, table
    scene.fact("a session with each of two relays at once, each with the forwards that it was asked for")
    checks = home.daemon.ask("doctor", str(target.port))["checks"]
    assert not [each for each in checks if each["state"] == "broken"], checks
    assert len([each for each in checks if each["hop"] == "session"]) == 2, checks
    targets = {each["subject"] for each in checks if each["hop"] == "target"}
    assert targets == {f"127.0.0.1:{target.port}"}, checks
    scene.fact("relayctl doctor walks to both, and tries the targets of the home's own forwards")


def one_is_away(scene, home, one, two, target):
    """One byte there and back, all the time, by the other one."""
    with connect(two.forward(target), seconds=30) as beat:
        beat.sendall(b"a")
        assert beat.recv(1) == b"a"
        one.kill()
        waits = []
        ends = time.monotonic() + 3
        while time.monotonic() < ends:
            began = time.monotonic()
            beat.sendall(b"x")
            assert beat.recv(1) == b"x"
            waits.append(time.monotonic() - began)
        assert max(waits) < 1, max(waits)
        wait_for("the home to notice", lambda: home.sessions()["one"]["state"] == "detached")
        assert home.sessions()["two"]["state"] == "attached"
        one.daemon.go_on()
    wait_for("both again", lambda: home.attached([one, two]))
    scene.fact(f"one relay killed: {len(waits)} rounds by the other meanwhile, the longest "
               f"{1000 * max(waits):.0f} ms")


def disasters(scene, home, relays, targets, answers):
    one, two = relays
    steps = 6
    with Transfer(one.forward(targets[0]), targets[0], answers[0], STREAMS, steps) as by_one, \
            Transfer(two.forward(targets[1]), targets[1], answers[1], STREAMS, steps) as by_two:
        by_one.next()
        one.kill()
        by_two.next()
        by_two.next()  # Bytes that were let go while the other one was dead.
        one.daemon.go_on()
        by_one.next()
        home.restart(signal.SIGTERM)
        by_one.next()
        by_two.next()
        home.restart(signal.SIGKILL)
        by_two.next()
        by_one.next()
        two.daemon.end(signal.SIGTERM)
        by_one.next()
        two.daemon.go_on()
        by_two.next()
        run("ss", "-H", "-t", "-K", "state", "established", f"dport = :{one.endpoint.rsplit(':', 1)[1]}")
        by_one.next()
        by_two.next()
        by_one.end()
        by_two.end()
    scene.fact("relays killed and restarted one at a time, the home restarted and killed, carriers cut: "
               "120 MB each way are equal byte for byte")


def chosen_by_name(scene, home, relays, target):
    one, two = relays
    wait_for("both", lambda: home.attached(relays))
    ids = {name: each["id"] for name, each in home.sessions().items()}
    with connect(one.forward(target), seconds=30) as by_one, connect(two.forward(target), seconds=30) as by_two:
        for client in (by_one, by_two):
            client.sendall(b"a")
            assert client.recv(1) == b"a"
        streams = home.daemon.ask("streams")["streams"]
        assert {each["relay"] for each in streams} == {"one", "two"}, streams
        numbers = {each["relay"]: str(each["id"]) for each in streams}
        if numbers["one"] == numbers["two"]:
            refused = home.daemon.relayctl("stream", "close", numbers["one"], check=False)
            assert refused.returncode != 0 and "--relay" in refused.stderr, refused
        home.daemon.relayctl("stream", "close", numbers["one"], "--relay", "one")
        with contextlib.suppress(ConnectionResetError):
            assert by_one.recv(1) == b""
        home.daemon.relayctl("session", "close", "one")
        wait_for("a new session with one", lambda: home.attached(relays) and
                 home.sessions()["one"]["id"] != ids["one"])
        by_two.sendall(b"b")
        assert by_two.recv(1) == b"b" and home.sessions()["two"]["id"] == ids["two"]
    scene.fact("streams and sessions are closed by their relay's name, and the other relay's stay")


def come_and_go(scene, home, relays, target):
    one, two = relays
    with connect(one.forward(target), seconds=30) as client:
        home.write([one])
        home.daemon.relayctl("reload")
        wait_for("one session", lambda: home.attached([one]))
        wait_for("the forwards to go", lambda: not two.daemon.ask("forward", "list")["forwards"])
        assert not two.daemon.ask("sessions")["sessions"]
        scene.fact("a relay that the settings name no more is left, and has no forward of the home any more")
        home.write([one, two])
        home.daemon.relayctl("reload")
        wait_for("both again", lambda: home.attached(relays))
        wait_for("its forwards", lambda: all(each["listening"] for each in home.forwards().values()))
        client.sendall(b"c")
        assert client.recv(1) == b"c"
    scene.fact("and comes back by a reload; streams by the other one never noticed")


def one_after_the_other(scene, home, relays, target):
    """A list is not several relays, but one that another stands in for."""
    one, two = relays
    forwards = [f"{{ listen: {relay.forward(target)}, to: {target.port}, probe: none }}" for relay in relays]
    home.file.write_text("\n".join([
        "home:", f"  name: {HOME_NAME}", f"  relay: [ {one.endpoint}, {two.endpoint} ]",
        f"  forwards: [ {', '.join(forwards)} ]", ""]))
    home.daemon.relayctl("reload")

    def is_with(relay):
        sessions = home.daemon.ask("sessions")["sessions"]
        return [each["state"] for each in sessions] == ["attached"] and "relay" not in sessions[0] and \
            sessions[0]["address"] == relay.endpoint.removeprefix("wss://")

    wait_for("the first of the list", lambda: is_with(one))
    wait_for("the other to be left", lambda: not two.daemon.ask("sessions")["sessions"])
    one.kill()
    wait_for("the next of the list", lambda: is_with(two), 60)
    wait_for("its forward", lambda: any(
        each["listening"] for each in two.daemon.ask("forward", "list")["forwards"]))
    with connect(two.forward(target), seconds=30) as client:
        client.sendall(b"d")
        assert client.recv(1) == b"d"
        scene.fact("with a list, there is one session; when its relay dies, the next one gets it, and the forwards")
        one.daemon.go_on()
        # Whatever would lead back by itself had its chance.
        home.daemon.relayctl("reload")
        client.sendall(b"e")
        assert client.recv(1) == b"e" and is_with(two)
    scene.fact("it stays there when the first one is back: its streams go on")
    home.daemon.relayctl("session", "close", HOME_NAME)
    wait_for("the first of the list again", lambda: is_with(one), 60)
    wait_for("its forward", lambda: any(
        each["listening"] for each in one.daemon.ask("forward", "list")["forwards"]))
    with connect(one.forward(target), seconds=30) as client:
        client.sendall(b"f")
        assert client.recv(1) == b"f"
    scene.fact("a new session, as relayctl session close makes one, begins with the first again")


def main():
    with Scene() as scene:
        answers = [os.urandom(BYTES_PER_STREAM) for _ in range(2)]
        busy = [Target(scene, lambda connection, answer=answer: Exchange(answer).run(connection))
                for answer in answers]
        talk = Target(scene, echo)
        home = Home(scene)
        relays = [Relay(scene, name, home.daemon.public_key(), [*busy, talk]) for name in ("one", "two")]
        home.write(relays)
        home.daemon.start("--config", home.file)
        both_at_once(scene, home, relays, talk)
        one_is_away(scene, home, *relays, talk)
        disasters(scene, home, relays, busy, answers)
        chosen_by_name(scene, home, relays, talk)
        come_and_go(scene, home, relays, talk)
        one_after_the_other(scene, home, relays, talk)


if __name__ == "__main__":
    main()
