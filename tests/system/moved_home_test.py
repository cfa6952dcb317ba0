#!/usr/bin/env python3
"""A home that has another address of a sudden takes its session over at once, while the relay still
believes in the old connection."""

import datetime
import re
import socket
import time

from harness.clients import connect
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.relayd import Tunnel
from harness.targets import Target, echo
from testhost import Network

NEW_ADDRESS = "10.78.0.77"
AT_ONCE_SECONDS = 1
# What still comes from the old connection is lost, also that it is closed.
HOLE = """
table inet hole {{
  chain arrivals {{
    type filter hook input priority 0; policy accept;
    iif lo accept
    tcp sport {port} drop
  }}
}}
"""


def answer(visitor):
    visitor.sendall(b"still here?")
    assert visitor.recv(11, socket.MSG_WAITALL) == b"still here?"


def move(scene, network, tunnel):
    """The home's old connection dies at its own end alone, and its old address is gone."""
    old = tunnel.attached()["address"]
    rules = scene.path("hole.nft")
    rules.write_text(HOLE.format(port=old.rpartition(":")[2]))
    run(*network.inside("relay", "nft", "-f", rules))
    for words in (("del", f"{network.addresses['home']}/24"), ("add", f"{NEW_ADDRESS}/24")):
        run(*network.inside("home", "ip", "addr", *words, "dev", "eth0"))
    assert tunnel.attached()["address"] == old
    run(*network.inside("home", "ss", "-H", "-t", "-K", "dport", f"= :{tunnel.carrier_port}"))
    return old


def taken_over_at(log):
    """When the handshake was done, in seconds since 1970."""
    [line] = re.findall(rf"^(\S+ \S+) info session taken over from {NEW_ADDRESS}:", log, re.MULTILINE)
    return datetime.datetime.fromisoformat(line).timestamp()


def main():
    with Scene() as scene, Network("relay", "home") as network:
        with on_host(network, "home"):
            target = Target(scene, echo)
        tunnel = Tunnel(scene, target.port, network=network)
        port = tunnel.forward(target.port, "--probe", "none")
        events = scene.start("events", tunnel.relay.build / "ctl/relayctl", "--control",
                             tunnel.relay.socket, "--json", "events")
        session = tunnel.attached()["id"]
        with on_host(network, "relay"):
            visitor = connect(port, seconds=60)
        with visitor:
            answer(visitor)
            began = time.monotonic()
            old = move(scene, network, tunnel)
            answer(visitor)
            took = time.time() - taken_over_at(tunnel.relay.log())
            assert took <= AT_ONCE_SECONDS, took
            scene.fact(f"a visitor is answered {took * 1000:.0f} ms after the handshake from another "
                       f"address, {(time.monotonic() - began) * 1000:.0f} ms after the old one went")
        now = tunnel.attached()
        assert now["id"] == session and now["address"].startswith(f"{NEW_ADDRESS}:"), now
        left = run(*network.inside("relay", "ss", "-Htn", "state", "established",
                                   "sport", f"= :{tunnel.carrier_port}")).stdout
        assert old not in left and NEW_ADDRESS in left, left
        scene.fact("it is the same session, and the old connection is closed")
        wait_for("the event", lambda: '"session-taken-over"' in events.text())
        assert "in use" not in tunnel.relay.log().lower()
        scene.fact("the event is told, and no address was in use")
        with on_host(network, "relay"), connect(port) as newcomer:
            answer(newcomer)
        scene.fact("the listener takes newcomers")


if __name__ == "__main__":
    main()
