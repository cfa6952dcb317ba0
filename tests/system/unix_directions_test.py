#!/usr/bin/env python3
"""Unix sockets in the settings of both sides: forwards of the relay, forwards that a home asks for,
and what a home itself listens on for a socket at the relay. Reloads, refusals, and kills of both."""

import json
import stat

from harness.clients import connect
from harness.endless import Crowd
from harness.keeper import KeptDaemon
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME, build_folder, place_text
from harness.targets import Service, Target, echo

KILLS = 8
ENOUGH_BYTES = 4 << 20  # Have moved, so all goes on.


def write(file, lines):
    file.write_text("\n".join(lines) + "\n")
    return file


def relay_file(scene, address, key, places):
    return write(scene.path("relay", "relayd.yaml"), [
        "relay:", f"  listen: [ {json.dumps(address)} ]",
        f"  targets: [ {json.dumps(place_text(places['at relay']))} ]", "  homes:", f"    {HOME_NAME}:",
        f"      key: {json.dumps(key)}",
        f"      may-listen: [ {json.dumps(place_text(places['asked'].parent / '*'))} ]",
        f"      may-reach: [ {json.dumps('relay:' + place_text(places['at relay']))} ]",
        "      forwards:", "        - " + json.dumps({
            "listen": place_text(places["own"]), "to": place_text(places["target"]),
            "probe": "none", "mode": "0600"})])


def home_file(scene, address, places, asked):
    return write(scene.path("home", "relayd.yaml"), [
        "home:", f"  name: {HOME_NAME}", f"  relay: {address}",
        f"  allow: [ {json.dumps(place_text(places['target'].parent / '*'))} ]",
        "  forwards:", *("    - " + json.dumps({
            "listen": place_text(listen), "to": place_text(places["target"]), "probe": "none"})
            for listen in asked),
        "  reach:", "    - " + json.dumps({
            "to": "relay:" + place_text(places["at relay"]), "listen": place_text(places["reach"]),
            "mode": "0600"})])


def must_echo(path):
    with connect(path) as visitor:
        visitor.sendall(b"x")
        assert visitor.recv(1) == b"x"


def wrong_settings_are_told(scene):
    file = write(scene.path("wrong.yaml"), [
        "home:", "  name: pc", "  relay: wss://127.0.0.1", "  allow:",
        f"    - {json.dumps('unix:/run/' + 'x' * 103)}", '    - "unix:run/x"'])
    shown = run(build_folder() / "daemon/relayd", "check", file, check=False)
    said = shown.stdout + shown.stderr
    assert shown.returncode != 0 and f"{file}:5:7: error:" in said and f"{file}:6:7: error:" in said, said
    assert "at most 107 bytes" in said and "absolute path" in said, said
    scene.fact("a path that is too long, or not absolute, is told with its line and column")


def a_reload_moves_a_listener(scene, relay, home, address, places):
    with connect(places["asked"]) as visitor:
        visitor.sendall(b"x")
        assert visitor.recv(1) == b"x"
        moved = places["asked"].with_name("moved")
        home_file(scene, address, places, [moved])
        home.relayctl("reload")
        wait_for("the new socket", moved.exists)
        wait_for("the old one to go", lambda: not places["asked"].exists())
        visitor.sendall(b"y")
        assert visitor.recv(1) == b"y"
    must_echo(moved)
    scene.fact("a reload moves a socket: its file goes, the new one comes, and connections stay")
    home_file(scene, address, places, [moved, scene.path("elsewhere", "x")])
    home.relayctl("reload")
    def denied():
        return [each for each in relay.ask("forward", "list")["forwards"] if "denied" in each]
    assert "may-listen" in wait_for("the refusal", denied)[0]["denied"]
    assert not scene.path("elsewhere", "x").exists()
    scene.fact("a socket that may-listen does not name is denied")
    return moved


def kills(scene, crowds, daemons):
    def moved():
        return sum(crowd.moved() for crowd in crowds)
    for number in range(KILLS):
        goal = moved() + ENOUGH_BYTES
        wait_for("a moment", lambda least=goal: moved() >= least, 60)
        daemon = daemons[number % len(daemons)]
        daemon.kill()
        before = [crowd.moved() for crowd in crowds]
        daemon.go_on()
        for crowd, done in zip(crowds, before):
            wait_for(f"bytes after kill {number + 1}",
                     lambda crowd=crowd, least=done + ENOUGH_BYTES: crowd.moved() >= least, 60)
            assert not crowd.broken(), crowd.broken()


def main():
    with Scene() as scene:
        wrong_settings_are_told(scene)
        places = {"own": scene.path("relay-side", "own"), "asked": scene.path("relay-side", "asked"),
                  "reach": scene.path("home-side", "reach"), "target": scene.path("targets", "t"),
                  "at relay": scene.path("relay-targets", "t")}
        Service(scene, echo, places["target"])
        Service(scene, echo, places["at relay"])
        relay, home = KeptDaemon(scene, "relay"), KeptDaemon(scene, "home")
        address = f"wss://127.0.0.1:{scene.free_port()}"
        relay.start("--config", relay_file(scene, address, home.public_key(), places))
        home.start("--config", home_file(scene, address, places, [places["asked"]]))
        for name in ("own", "asked", "reach"):
            wait_for(f"the socket {name}", places[name].exists)
            must_echo(places[name])
        assert stat.S_IMODE(places["own"].stat().st_mode) == 0o600
        assert stat.S_IMODE(places["asked"].stat().st_mode) == 0o660
        assert stat.S_IMODE(places["reach"].stat().st_mode) == 0o600
        scene.fact("forwards of the relay, of a home's wish, and a home's own listeners are sockets, "
                   "with the modes of their settings")
        moved = a_reload_moves_a_listener(scene, relay, home, address, places)
        there, back = Crowd(4), Crowd(4)
        busy = {"target": Target(scene, there.serve, scene.path("targets", "busy")),
                "at relay": Target(scene, back.serve, scene.path("relay-targets", "busy"))}
        places |= {name: scene.path(path, "busy")
                   for name, path in (("target", "targets"), ("at relay", "relay-targets"))}
        places["own"] = places["own"].with_name("busy")
        places["reach"] = places["reach"].with_name("busy")
        relay_file(scene, address, home.public_key(), places)
        home_file(scene, address, places, [moved])
        relay.relayctl("reload")
        home.relayctl("reload")
        for name in ("own", "reach"):
            wait_for(f"the socket {name}", places[name].exists)
        there.come(places["own"])
        back.come(places["reach"])
        kills(scene, (there, back), (relay, home))
        for crowd, name in ((there, "target"), (back, "at relay")):
            sent = crowd.leave()
            served = sorted(tuple(reversed(busy[name].result())) for _ in sent)
            assert served == sent, (served, sent)
        scene.fact(f"{KILLS} kills of relay and home: 4 connections in each direction, and no byte lost")


if __name__ == "__main__":
    main()
