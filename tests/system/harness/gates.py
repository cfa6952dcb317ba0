"""A host with gates, and those who knock at it: on hosts of a testhost.Network."""

import json
import re
import socket
import subprocess
import threading

from harness.netns import on_host
from harness.processes import run
from harness.relayd import build_folder
from testhost import wait_for

LONG = 60  # Seconds, for what is done in a moment on a machine that is not busy.


class Gatehouse:
    """relayd-gate on the host "vps" of `network`, with gates as `settings` says."""

    def __init__(self, scene, network, settings, control=None, hooks=None):
        self.scene, self.network = scene, network
        self.address = network.addresses["vps"]
        self.config = scene.path("gate", "relayd.yaml")
        self.control = control or scene.path("gate", "control.sock")
        self.state = scene.path("gate", "state")
        self.hooks = hooks or scene.path("gate", "hooks.sock")
        self.process = None
        self.write(settings)
        self.start()

    def write(self, settings):
        self.config.write_text(settings)

    def start(self):
        self.process = self.scene.start("relayd-gate", *self.command())
        wait_for("relayd-gate to answer", self._answers, LONG)

    def command(self):
        return [*self.network.inside("vps"), build_folder() / "daemon/gate/relayd-gate", "--config", self.config,
                "--control", self.control, "--state-dir", self.state, "--hooks", self.hooks]

    def _answers(self):
        if not self.process.running():
            raise RuntimeError(f"relayd-gate ended with {self.process.wait(0)}: {self.process.text()}")
        return self.relayctl("gates", check=False).returncode == 0

    @staticmethod
    def relayctl_path():
        return build_folder() / "ctl/relayctl"

    def relayctl(self, *words, check=True, host="vps"):
        return run(*self.network.inside(host), build_folder() / "ctl/relayctl", "--control", self.control,
                   *words, check=check, seconds=LONG)

    def gate(self, name):
        listed = json.loads(self.relayctl("gates", "--json").stdout)["gates"]
        return next(gate for gate in listed if gate["name"] == name)

    def who(self, name):
        """Addresses that may pass."""
        return {each["address"] for each in self.gate(name)["open"]}

    def nft(self, *words):
        return run(*self.network.inside("vps"), "nft", *words).stdout

    def is_empty(self, thing):
        """Whether a set of the table has no elements."""
        return "elements" not in self.nft("list", "set", "inet", "relayd_gates", thing)

    def log_has(self, pattern):
        return re.search(pattern, self.process.text())

    # What others do.

    def knock(self, host, *steps, address=None):
        """By the stock client, which says ports as 10001:udp."""
        run(*self.network.inside(host), "knock", "-d", "20", address or self.address, *steps)

    def knock_ours(self, host, *steps, address=None):
        self.relayctl("knock", address or self.address, "--sequence", ",".join(steps), host=host)

    def scan(self, host, ports):
        """What nmap says, which tries one port after another."""
        return run(*self.network.inside(host), "nmap", "-n", "-Pn", "-sS", "-r", "-oG", "-", "--max-retries", "6",
                   "--max-parallelism", "1", "-p", str(ports), self.address, seconds=300).stdout

    def sees(self, host, port):
        """The state of a port, as nmap sees it: open, closed or filtered."""
        seen = self.scan(host, port)
        return re.search(rf"Ports: {port}/(\w+)/", seen)[1]

    def connect(self, host, port, address=None):
        """A connection, or None."""
        with on_host(self.network, host):
            try:
                return socket.create_connection((address or self.address, port), timeout=5)
            except OSError:
                return None

    def is_let_in(self, host, port, address=None):
        connection = self.connect(host, port, address)
        if connection is None:
            return False
        with connection:
            return is_alive(connection)


def is_alive(connection):
    connection.settimeout(LONG)
    try:
        connection.sendall(b"ping")
        return connection.recv(100) == b"ping"
    except OSError:
        return False


def echo_on(network, port, address="0.0.0.0"):
    """An echo server on the host "vps"."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with on_host(network, "vps"):
        server = socket.create_server((address, port), family=family)

    def serve(peer):
        with peer:
            while part := peer.recv(65536):
                peer.sendall(part)

    def accept():
        while True:
            threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def add_ipv6(network):
    """fd78::1 for the first host, and so on; returns them by name."""
    found = {}
    for number, (name, space) in enumerate(network.namespaces.items(), 1):
        found[name] = f"fd78::{number:x}"
        subprocess.run(["ip", "-n", space, "addr", "add", f"{found[name]}/64", "dev", "eth0", "nodad"],
                       check=True)
    return found
