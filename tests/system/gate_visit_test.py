#!/usr/bin/env python3
"""Homes and visitors that knock by themselves at the gate before their relay: each time they dial, and by
whatever road. Those that do not knock stay out."""

import json
import socket

from harness.gates import LONG, Gatehouse, is_alive
from harness.netns import on_host
from harness.processes import Scene, run
from harness.relayd import HOME_NAME, Daemon
from harness.targets import Target, echo
from testhost import Network, wait_for

HOSTS = ("vps", "home", "alice", "bob")
KNOCKS = 62201
SETTINGS = """
knock: {knocks}
relay:
  listen:
    - {{ endpoint: "wss://{vps}:{shown}", gate: shown }}
    - {{ endpoint: "wss://{vps}:{silent}", gate: silent }}
  homes:
    {home}:
      key: "{home_key}"
      forwards: [ {{ listen: "127.0.0.1:{target}", to: "127.0.0.1:{target}", probe: none }} ]
  visitors:
    alice: {{ key: "{alice_key}", may-reach: "{home}:*" }}
    bob: {{ key: "{bob_key}", may-reach: "{home}:*" }}
gates:
  shown: {{ closed: reject, visitors: [{home}, alice, bob], open-for: 5s }}
  silent: {{ closed: drop, visitors: [{home}, alice, bob], open-for: 5s }}
"""
HOME_SETTINGS = """
home:
  name: {name}
  relay: "{relay}"
  allow: [ "127.0.0.1:{target}" ]
  reconnect-most: 1s
  {knock}
"""


class Street:
    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        with on_host(network, "home"):
            self.target = Target(scene, echo).port
        self.people = {name: Daemon(scene, name, network.inside(name)) for name in HOSTS[1:]}
        self.relay = Daemon(scene, "relay", network.inside("vps"))
        self.doors = {"shown": scene.free_port(), "silent": scene.free_port()}
        keys = {f"{name}_key": each.public_key() for name, each in self.people.items()}
        self.house = Gatehouse(scene, network, SETTINGS.format(
            knocks=KNOCKS, vps=network.addresses["vps"], home=HOME_NAME, target=self.target, **self.doors, **keys),
            control=scene.path("relay-gate", "control.sock"))
        self.start_relay()

    def start_relay(self):
        self.relay.start("--config", self.house.config)

    def endpoint(self, door, scheme="wss"):
        return f"{scheme}://{self.network.addresses['vps']}:{self.doors[door]}"

    def start_home(self, door, knock=""):
        config = self.scene.path("home", "relayd.yaml")
        config.write_text(HOME_SETTINGS.format(
            name=HOME_NAME, relay=self.endpoint(door), target=self.target, knock=knock))
        self.people["home"].start("--config", config)

    def start_visitor(self, name, door, *options):
        listen = self.scene.free_port()
        self.people[name].start("visit", self.endpoint(door), f"{HOME_NAME}:{self.target}", "--listen",
                                str(listen), *options)
        return listen

    def reaches(self, name, listen):
        with on_host(self.network, name):
            try:
                connection = socket.create_connection(("127.0.0.1", listen), timeout=LONG)
            except OSError:
                return False
        with connection:
            return is_alive(connection)

    def wait_until_reached(self, name, listen):
        wait_for(f"{name} to reach the home", lambda: self.reaches(name, listen), LONG)

    def wait_until_closed(self, *names):
        for gate in self.doors:
            wait_for(f"gate {gate} to close", lambda gate=gate: not self.house.who(gate) & {
                self.network.addresses[name] for name in names}, LONG)

    def cut(self):
        for port in self.doors.values():
            run(*self.network.inside("vps", "ss", "-H", "-t", "-K", "state", "established", f"sport = :{port}"))

    def stop(self, *names):
        for name in names:
            self.people[name].process.stop()


def without_a_knock(street, door):
    street.wait_until_closed("home", "alice", "bob")  # One knock opens both.
    before = street.house.gate(door)["refused"]
    street.start_home(door)
    wait_for("the home to be refused", lambda: street.house.gate(door)["refused"] > before, LONG)
    street.stop("home")
    before = street.house.gate(door)["refused"]
    street.start_visitor("bob", door)
    wait_for("bob to be refused", lambda: street.house.gate(door)["refused"] > before, LONG)
    assert not any(each["online"] for each in street.relay.ask("home", "list")["homes"])
    assert not street.house.who(door)
    street.stop("bob")
    street.scene.fact(f"who does not knock stays out ({door})")


def with_knocks(street, door):
    street.start_home(door, "knock: yes")
    listen = street.start_visitor("alice", door, "--knock", "yes")
    street.wait_until_reached("alice", listen)
    street.scene.fact(f"a home and a visitor knock by themselves, and a stream passes ({door})")
    street.wait_until_closed("home", "alice")
    with on_host(street.network, "alice"):
        connection = socket.create_connection(("127.0.0.1", listen), timeout=LONG)
    with connection:
        assert is_alive(connection)
        street.cut()
        assert is_alive(connection)
    street.wait_until_reached("alice", listen)
    street.scene.fact(f"carriers that are cut once the gate is closed come again, and the stream goes on ({door})")
    street.wait_until_closed("home", "alice")
    street.relay.process.kill()
    street.start_relay()
    street.wait_until_reached("alice", listen)
    street.scene.fact(f"the same after the relay was killed, which hears no knocks meanwhile ({door})")
    answer = street.people["home"].relayctl("--json", "doctor", check=False, seconds=LONG).stdout
    checks = json.loads(answer)["checks"]
    states = {check["hop"]: check["state"] for check in checks}
    assert states["tcp"] == states["tls"] == states["key"] == "ok", checks
    street.scene.fact(f"relayctl doctor goes through the gate as the home does ({door})")
    street.stop("alice")


def by_poll(street, door):
    listen = street.start_visitor("alice", door, "--knock", str(KNOCKS), "--carrier", "poll")
    street.wait_until_reached("alice", listen)
    street.wait_until_closed("alice")
    with on_host(street.network, "alice"):
        several = [socket.create_connection(("127.0.0.1", listen), timeout=LONG) for _ in range(4)]
    assert all(is_alive(each) for each in several)
    for each in several:
        each.close()
    street.cut()
    street.wait_until_reached("alice", listen)
    street.stop("alice", "home")
    street.scene.fact(f"so they do by GET and POST ({door})")


def nobody_else(street):
    assert not street.house.is_let_in("bob", street.doors["shown"])
    assert not street.house.is_let_in("bob", street.doors["silent"])
    street.scene.fact("meanwhile others are kept out")


def main():
    with Scene() as scene, Network(*HOSTS) as network:
        street = Street(scene, network)
        for door in street.doors:
            without_a_knock(street, door)
            with_knocks(street, door)
            by_poll(street, door)
        nobody_else(street)


if __name__ == "__main__":
    main()
