#!/usr/bin/env python3
"""Signed knocks: one datagram that opens a gate for who signed it, once; recorded, changed and made up ones
open nothing, also after restarts."""

import pathlib
import socket
import struct
import subprocess

from harness import parts
from harness.gates import LONG, Gatehouse, echo_on, is_alive
from harness.netns import on_host
from harness.processes import Scene, run
from harness.relayd import Daemon
from testhost import Network, wait_for

HOSTS = ("vps", "alice", "mallory", "bob")
PORT = 62201
ETH_P_ALL = 3  # Of these alone a socket hears what its own host sends.
SETTINGS = """
knock: {port}
relay:
  listen: "ws://127.0.0.1:9"
  visitors:
    alice: {{ key: "{alice}" }}
    bob: {{ key: "{bob}", from: 192.0.2.0/24 }}
gates:
  desktop: {{ ports: 7001, visitors: [alice, bob], open-for: 1h }}
  ssh: {{ ports: {ssh}, closed: drop, keys: ["{alice}"], open-for: 1h }}
  other: {{ ports: 7002, keys: ["{third}"], open-for: 1h }}
"""


class Street:
    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        self.relay = Daemon(scene, "relay", network.inside("vps"))
        self.people = {name: Daemon(scene, name) for name in ("alice", "bob", "third", "stranger")}
        keys = {name: each.public_key() for name, each in self.people.items() if name != "stranger"}
        self.people["stranger"].public_key()
        self.server = parts.sshd(scene, address="0.0.0.0", within=network.inside("vps"))
        # Where relayd looks for relayd-gate: beside its own socket.
        self.house = Gatehouse(scene, network, SETTINGS.format(port=PORT, ssh=self.server.port, **keys),
                               control=scene.path("relay-gate", "control.sock"))
        self.start_relay()
        with on_host(network, "alice"):
            self.ear = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.ear.settimeout(LONG)

    def start_relay(self):
        self.relay.start("--config", self.house.config)
        wait_for("knocks to be heard", lambda: run(
            *self.network.inside("vps"), "ss", "-Hlun", f"sport = :{PORT}").stdout, LONG)

    def key(self, name):
        return pathlib.Path(self.people[name].state) / "id_ed25519"

    def knock(self, host, name, *options):
        self.house.relayctl("knock", self.house.address, "--key", self.key(name), *options, host=host)

    def overheard(self):
        """The next datagram that alice's host sends to the port."""
        while True:
            packet = self.ear.recv(2000)
            if packet[0] >> 4 != 4 or packet[9] != 17:
                continue
            udp = packet[(packet[0] & 15) * 4:]
            if struct.unpack("!H", udp[2:4])[0] == PORT:
                return udp[8:]

    def send(self, host, packet):
        with on_host(self.network, host), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(packet, (self.house.address, PORT))

    def relay_has_said(self, text, times=1):
        wait_for(f"relayd to say: {text}", lambda: self.relay.log().count(text) >= times, LONG)

    def barrier(self):
        """Once this has opened, whatever was sent before has been judged."""
        self.house.relayctl("gate", "close", "other", self.network.addresses["vps"], check=False)
        self.knock("vps", "third", "--gate", "other")
        wait_for("the barrier", lambda: self.network.addresses["vps"] in self.house.who("other"), LONG)

    def is_open_for(self, host, gate="desktop"):
        return self.network.addresses[host] in self.house.who(gate)


def it_opens(street):
    house = street.house
    assert not house.is_let_in("alice", 7001)
    street.knock("alice", "alice", "--gate", "desktop")
    packet = street.overheard()
    wait_for("the gate to open", lambda: street.is_open_for("alice"), LONG)
    assert house.is_let_in("alice", 7001) and not house.is_let_in("mallory", 7001)
    assert not street.is_open_for("alice", "ssh")
    street.relay_has_said(f"alice knocks from {street.network.addresses['alice']}: desktop")
    assert house.gate("desktop")["opened_by"] == ["signed"]
    street.scene.fact("one signed datagram opens the gate it names, for the address it came from")
    house.relayctl("gate", "close", "desktop", street.network.addresses["alice"])
    street.knock("alice", "alice")
    wait_for("both gates to open", lambda: street.is_open_for("alice") and street.is_open_for("alice", "ssh"), LONG)
    street.overheard()
    street.scene.fact("without --gate all that the key may open")
    for gate in ("desktop", "ssh"):
        house.relayctl("gate", "close", gate, street.network.addresses["alice"])
    return packet


def others_do_not(street, packet):
    for host in ("mallory", "alice"):
        street.send(host, packet)
    street.relay_has_said("repeats a knock of alice", 2)
    assert not street.is_open_for("mallory") and not street.is_open_for("alice")
    street.scene.fact("a recorded datagram opens nothing, from wherever it is sent")
    for at in (5, 13, 30, len(packet) - 1):
        changed = bytearray(packet)
        changed[at] ^= 1
        street.send("mallory", bytes(changed))
    street.send("mallory", packet[:-1])
    street.send("mallory", b"")
    street.send("mallory", b"x" * 2000)
    street.knock("mallory", "stranger")
    street.barrier()
    assert not street.is_open_for("mallory")
    street.scene.fact("nor does one that was changed, cut or made up, or signed by an unknown key")
    street.knock("mallory", "third", "--gate", "desktop")
    street.knock("bob", "bob")
    street.barrier()
    assert not street.is_open_for("mallory") and not street.is_open_for("bob")
    street.scene.fact("a key opens its own gates, and from its own networks")


def old_ones_after_restarts(street, packet):
    street.knock("alice", "alice", "--gate", "desktop")
    fresh = street.overheard()
    wait_for("the gate to open", lambda: street.is_open_for("alice"), LONG)
    street.house.relayctl("gate", "close", "desktop", street.network.addresses["alice"])
    for end in ("kill", "stop"):
        getattr(street.relay.process, end)()
        street.start_relay()
        street.send("mallory", fresh)
        street.send("mallory", packet)
        street.barrier()
        assert not street.is_open_for("mallory")
    street.scene.fact("recorded datagrams open nothing after relayd was killed or restarted")


def it_never_answers(street):
    with on_host(street.network, "alice"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((street.house.address, PORT))
        sender.setblocking(False)
        for data in (b"", b"hello", b"rlk1" + bytes(97)):
            sender.send(data)
        street.knock("alice", "alice")
        street.barrier()
        try:
            answer = sender.recv(100)
        except BlockingIOError:
            answer = None
        assert answer is None, answer
    street.scene.fact("nothing that comes there is answered")


def ssh_knocks(street):
    proxy = f"{street.house.relayctl_path()} knock --key {street.key('alice')} --gate ssh --then-connect %h %p"
    known = street.scene.path("known_hosts")
    street.house.relayctl("gate", "close", "ssh", street.network.addresses["alice"], check=False)
    assert street.house.sees("alice", street.server.port) == "filtered"
    done = subprocess.run(
        [*street.network.inside("alice"), "ssh", "-F", "/dev/null", "-i", str(street.server.folder / "id"),
         "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
         "-o", f"UserKnownHostsFile={known}", "-o", f"ProxyCommand={proxy}", "-p", str(street.server.port),
         f"root@{street.house.address}", "echo", "welcome"], check=False, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    assert done.stdout == "welcome\n", done
    street.scene.fact("ssh knocks by itself, by a ProxyCommand")


def without_the_gatekeeper(street):
    connection = street.house.connect("alice", 7001)
    street.house.process.stop()
    street.knock("bob", "alice")
    street.relay_has_said("a gate stays closed for")
    assert not street.house.is_let_in("bob", 7001) and is_alive(connection)
    found = street.relay.relayctl("doctor", check=False).stdout
    assert "relayd-gate does not answer" in found and "systemctl enable --now relayd-gate" in found, found
    street.house.start()
    found = street.relay.relayctl("doctor", check=False).stdout
    assert "relayd-gate keeps 3" in found and "does not answer" not in found, found
    street.scene.fact("relayctl doctor says when there are gates and nobody keeps them, and what to try")
    street.knock("bob", "alice")
    wait_for("the gate to open", lambda: street.is_open_for("bob"), LONG)
    street.scene.fact("without relayd-gate a right knock is logged and opens nothing")
    street.house.write(street.house.config.read_text().replace(f"knock: {PORT}\n", ""))
    refused = street.relay.relayctl("reload", check=False)
    assert refused.returncode == 1 and "signed knocks are heard nowhere" in refused.stderr, refused.stderr
    street.scene.fact("gates for signed knocks need a port to hear them")


def main():
    with Scene() as scene, Network(*HOSTS) as network:
        echo_on(network, 7001)
        echo_on(network, 7002)
        street = Street(scene, network)
        packet = it_opens(street)
        others_do_not(street, packet)
        old_ones_after_restarts(street, packet)
        it_never_answers(street)
        ssh_knocks(street)
        without_the_gatekeeper(street)


if __name__ == "__main__":
    main()
