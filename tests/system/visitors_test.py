#!/usr/bin/env python3
"""What relayctl ssh-config and rdp-file write is what real clients take: ssh reaches two homes behind two
ports of one machine, and never takes one for the other; FreeRDP reads the .rdp file."""

import json
import re
import shutil

from harness import desktops, parts
from harness.netns import on_host
from harness.processes import Scene, run
from harness.relayd import Daemon
from harness.targets import Target
from testhost import Network

HOMES = ("work-pc", "lab")
# What a visitor's own file has before; the rest is what relayctl prints.
OWN_CONFIG = """
Host *
    IdentitiesOnly yes
    IdentityFile {folder}/id
    UserKnownHostsFile {folder}/known_hosts
    StrictHostKeyChecking accept-new
    BatchMode yes
    ConnectTimeout 20
"""
AUTO_RECONNECT = re.compile(r"^autoreconnection enabled:i:1\r$", re.MULTILINE)


class Street:
    """A relay with an SSH server of its own, two homes with one each, and a visitor, who has one key for
    all of them."""

    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        self.folder = scene.path("visitor", "id").parent
        self.gate = parts.sshd(scene, "gate", address=network.addresses["relay"],
                               within=network.inside("relay"))
        self.servers = {home: parts.sshd(scene, f"sshd-{home}", within=network.inside(home))
                        for home in HOMES}
        shutil.copy(self.gate.folder / "id", self.folder / "id")
        for server in self.servers.values():
            shutil.copy(self.gate.folder / "id.pub", server.folder / "id.pub")
        self.relay = Daemon(scene, "relay", network.inside("relay"))
        door = f"wss://{network.addresses['relay']}:{scene.free_port()}"
        settings = scene.path("relay.yaml")
        settings.write_text(f"relay:\n  listen: {door}\n  public: {door}\n")
        self.relay.start("--config", settings)
        self.homes = {home: Daemon(scene, home, network.inside(home)) for home in HOMES}
        for home, daemon in self.homes.items():
            self.relay.relayctl("home", "add", home, daemon.public_key())
            daemon.start("home", door, "--name", home, "--allow",
                         f"127.0.0.1:{self.servers[home].port}", "--allow", "127.0.0.1:3389")

    def forward(self, home, listen, target, *options):
        self.relay.relayctl("forward", "add", str(listen), "--home", home, "--to",
                            f"127.0.0.1:{target}", *options)

    def ssh(self, config, name):
        return run(*self.network.inside("visitor"), "ssh", "-F", config, name,
                   "ip -brief address show eth0", check=False)


def ssh_reaches_each_home(scene, network, street):
    ports = {home: scene.free_port() for home in HOMES}
    for home, port in ports.items():
        street.forward(home, port, street.servers[home].port, "--probe", "ssh")
    gate = f"root@{network.addresses['relay']}:{street.gate.port}"
    blocks = street.relay.relayctl("ssh-config", "--host", gate, "--user", "root").stdout
    config = street.folder / "config"
    config.write_text(OWN_CONFIG.format(folder=street.folder) + blocks)
    names = re.findall(r"^Host (\S+)$", blocks, re.MULTILINE)
    assert len(names) == len(HOMES), blocks
    for home, name in zip(sorted(HOMES), sorted(names)):
        assert name.startswith(home), names
        done = street.ssh(config, name)
        assert network.addresses[home] in done.stdout, (done.stdout, done.stderr)
        scene.fact(f"ssh {name} is on {home}")
    known = (street.folder / "known_hosts").read_text()
    for home in HOMES:
        key = (street.servers[home].folder / "host_ed25519.pub").read_text().split()[1]
        [line] = [line for line in known.splitlines() if key in line]
        assert line.startswith(f"relayd+{home}"), line
    scene.fact("known_hosts has each home's key under a name of its own")
    swapped = config.with_name("swapped")
    swapped.write_text(config.read_text().replace(str(ports[HOMES[0]]), "X").replace(
        str(ports[HOMES[1]]), str(ports[HOMES[0]])).replace("X", str(ports[HOMES[1]])))
    done = street.ssh(swapped, names[0])
    assert done.returncode == 255 and "HOST IDENTIFICATION HAS CHANGED" in done.stderr, done.stderr
    scene.fact("another home behind a home's port is refused by ssh")
    hosts = json.loads(street.relay.relayctl("ssh-config", "--host", gate, "--json").stdout)["hosts"]
    assert {host["port"] for host in hosts} == set(ports.values()), hosts


def what_is_missing_is_said(street):
    done = street.relay.relayctl("rdp-file", "lab", check=False)
    assert done.returncode == 1 and "relayctl forward add 3389 --home lab" in done.stderr, done.stderr


def a_client_reads_the_file(scene, network, street):
    street.forward("work-pc", "127.0.0.1:3389", 3389)
    with on_host(network, "visitor"):
        near_end = Target(scene, lambda connection: connection.recv(64))
    file = scene.path("work-pc.rdp")
    done = street.relay.relayctl("rdp-file", "work-pc", "--local-port", str(near_end.port), "--output", file)
    # Where visitors come is known from public:.
    tunnel = f"ssh -N -L {near_end.port}:127.0.0.1:3389 {network.addresses['relay']}"
    assert tunnel in done.stderr, done.stderr
    text = file.read_bytes().decode("ascii")
    assert text.count("\n") == text.count("\r\n") and AUTO_RECONNECT.search(text), text
    display = desktops.start_display(scene, "screen", "Xvfb", "-screen", "0", "800x600x24", "-nolisten", "tcp")
    client = scene.start("xfreerdp", *network.inside("visitor"), "xfreerdp", file, "/cert:ignore", "/u:x", "/p:y",
                         env=display)
    request = near_end.result()
    client.stop()
    # [MS-RDPBCGR] 2.2.1.1.1: the protocols that it asks for, SSL and HYBRID among them.
    assert request[:2] == b"\x03\x00" and request[-8] == 1 and request[-4] & 3 == 3, request
    scene.fact("FreeRDP takes the .rdp file, comes to its address and asks for NLA and TLS")


def an_open_listener_is_named(scene, network, street):
    street.forward("work-pc", "0.0.0.0:3390", 3389, "--probe", "rdp")
    done = street.relay.relayctl("rdp-file", "work-pc", "--port", "3390")
    assert f"full address:s:{network.addresses['relay']}:3390\n" in done.stdout, done.stdout
    assert "nothing else to run" in done.stderr, done.stderr
    done = street.relay.relayctl("rdp-file", "work-pc", check=False)
    assert done.returncode == 1 and "--port PORT" in done.stderr, done.stderr
    scene.fact("a listener that is open to visitors is named by the relay's public name")


def main():
    with Scene() as scene, Network("relay", "visitor", *HOMES) as network:
        street = Street(scene, network)
        what_is_missing_is_said(street)
        ssh_reaches_each_home(scene, network, street)
        a_client_reads_the_file(scene, network, street)
        an_open_listener_is_named(scene, network, street)


if __name__ == "__main__":
    main()
