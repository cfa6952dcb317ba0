#!/usr/bin/env python3
"""Gates before a forward, before a listener of the relay's own, and before sshd."""

import subprocess

from harness import parts
from harness.gates import LONG, Gatehouse, is_alive
from harness.processes import Scene
from harness.relayd import HOME_NAME, Daemon
from harness.targets import Target, echo
from harness.netns import on_host
from testhost import Network, wait_for

HOSTS = ("vps", "home", "visitor", "other")
SETTINGS = """
relay:
  listen: [ {{ endpoint: "wss://{vps}:{door}", gate: door }} ]
  homes:
    {home}:
      key: "{key}"
      forwards:
        - {{ listen: "0.0.0.0:{desktop}", to: "127.0.0.1:{target}", gate: desktop, probe: none }}
gates:
  door: {{ always: [{home_address}] }}
  desktop: {{ sequence: [10003, 10001, 10007], within: 60s, open-for: 1h }}
  ssh: {{ ports: {ssh}, closed: drop, sequence: [11003, 11001, 11007/udp], within: 60s, open-for: 1h }}
"""


def ssh(house, server, *proxy):
    known = house.scene.path("known_hosts")
    return subprocess.run(
        [*house.network.inside("visitor"), "ssh", "-F", "/dev/null", "-i", str(server.folder / "id"),
         "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
         "-o", f"UserKnownHostsFile={known}", "-o", "ConnectTimeout=5", *proxy, "-p", str(server.port),
         f"root@{house.address}", "echo", "welcome"], check=False, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


def main():
    with Scene() as scene, Network(*HOSTS) as network:
        with on_host(network, "home"):
            target = Target(scene, echo)
        server = parts.sshd(scene, address="0.0.0.0", within=network.inside("vps"))
        home = Daemon(scene, "home", network.inside("home"))
        relay = Daemon(scene, "relay", network.inside("vps"))
        door, desktop = scene.free_port(), scene.free_port()
        vps = network.addresses["vps"]
        house = Gatehouse(scene, network, SETTINGS.format(
            vps=vps, door=door, desktop=desktop, ssh=server.port, home=HOME_NAME, key=home.public_key(),
            target=target.port, home_address=network.addresses["home"]),
            control=scene.path("relay-gate", "control.sock"))
        relay.start("--config", house.config)
        home.start("home", f"wss://{vps}:{door}", "--name", HOME_NAME, "--allow", f"127.0.0.1:{target.port}")
        wait_for("the home", lambda: any(each["online"] for each in relay.ask("home", "list")["homes"]), LONG)
        assert house.sees("visitor", door) == "closed"
        scene.fact("a listener behind a gate is reached by those it always lets in")
        assert house.gate("desktop")["places"] == [f"{desktop}/tcp"], house.gate("desktop")
        assert house.sees("visitor", desktop) == "closed" and not house.is_let_in("visitor", desktop)
        house.knock("visitor", "10003", "10001", "10007")
        with wait_for("the forward", lambda: house.connect("visitor", desktop), LONG) as visitor:
            assert is_alive(visitor)
            assert not house.is_let_in("other", desktop)
            scene.fact("a forward behind a gate opens for who knocks")
            house.relayctl("gate", "close", "desktop", network.addresses["visitor"])
            assert not house.is_let_in("visitor", desktop) and is_alive(visitor)
            scene.fact("and its streams go on when it closes")
        assert ssh(house, server).returncode == 255
        proxy = (f"{house.relayctl_path()} knock --sequence 11003,11001,11007/udp --then-connect %h %p")
        done = ssh(house, server, "-o", f"ProxyCommand={proxy}", "-o", "ConnectTimeout=60")
        assert done.stdout == "welcome\n", done
        scene.fact("ssh knocks by itself, by a ProxyCommand")


if __name__ == "__main__":
    main()
