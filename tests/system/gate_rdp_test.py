#!/usr/bin/env python3
"""A remote desktop behind a gate: to scanners and to clients it is not there; who has knocked sees it, and goes
on when the gate has closed again."""

import pathlib

from harness import desktops
from harness.clients import RdpClient
from harness.gates import LONG, Gatehouse
from harness.netns import on_host
from harness.processes import Scene, run
from harness.relayd import HOME_NAME, Daemon
from testhost import Network, wait_for

HOSTS = ("vps", "home", "visitor", "other")
COLOURS = 100
OPEN_S = 60
SETTINGS = """
knock: 62201
relay:
  listen: "wss://{vps}:{door}"
  homes:
    {home}:
      key: "{key}"
      forwards:
        - {{ listen: "0.0.0.0:{port}", to: "127.0.0.1:{target}", gate: desktop }}
  visitors:
    alice: {{ key: "{alice}", may-reach: "{home}:*" }}
gates:
  desktop: {{ visitors: [alice], open-for: {open_s}s }}
"""


def main():
    with Scene() as scene, Network(*HOSTS) as network:
        with on_host(network, "home"):
            desktop = desktops.freerdp_shadow(scene)
        home = Daemon(scene, "home", network.inside("home"))
        relay = Daemon(scene, "relay", network.inside("vps"))
        alice = Daemon(scene, "alice")
        door, port = scene.free_port(), scene.free_port()
        vps = network.addresses["vps"]
        house = Gatehouse(scene, network, SETTINGS.format(
            vps=vps, door=door, port=port, home=HOME_NAME, key=home.public_key(), alice=alice.public_key(),
            target=desktop.port, open_s=OPEN_S), control=scene.path("relay-gate", "control.sock"))
        relay.start("--config", house.config)
        home.start("home", f"wss://{vps}:{door}", "--name", HOME_NAME, "--allow", f"127.0.0.1:{desktop.port}")
        wait_for("the home", lambda: any(each["online"] for each in relay.ask("home", "list")["homes"]), LONG)
        wait_for("the forward", lambda: relay.ask("forward", "list")["forwards"][0]["listening"], LONG)
        assert run(*network.inside("vps"), "ss", "-Hltn", f"sport = :{port}").stdout
        assert house.sees("visitor", port) == "closed" and house.connect("visitor", port) is None
        refused = run(*network.inside("visitor"), "xfreerdp", f"/v:{vps}:{port}", "/cert:ignore", "+auth-only",
                      "/u:test", "/p:test", "/sec:tls", check=False, seconds=300)
        assert refused.returncode != 0, refused
        scene.fact("an RDP forward behind a gate is not there for nmap, nor for an RDP client")
        with on_host(network, "visitor"):
            client = RdpClient(scene, "client")
            house.relayctl("knock", vps, "--key", pathlib.Path(alice.state) / "id_ed25519", host="visitor")
            wait_for("the gate", lambda: network.addresses["visitor"] in house.who("desktop"), LONG)
            client.connect(port, "/sec:tls", "/u:test", "/p:test", host=vps)
            scene.fact(f"who has knocked sees the desktop: {client.wait_for_picture(COLOURS)} colours")
            assert house.connect("other", port) is None
            wait_for("the gate to close", lambda: not house.who("desktop"), 3 * OPEN_S)
            assert house.sees("visitor", port) == "closed" and house.connect("visitor", port) is None
            with on_host(network, "home"):  # Both X servers may have the same number.
                desktop.focus_terminal()
            client.type_line("hello relay")
            wait_for("the typed line", lambda: desktop.typed.read_text() == "hello relay\n", LONG)
            client.disconnect()
        scene.fact("and goes on when the gate has closed: what is typed arrives")


if __name__ == "__main__":
    main()
