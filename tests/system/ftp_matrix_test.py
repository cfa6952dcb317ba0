#!/usr/bin/env python3
"""Which clients of FTP get along with which servers, by which families of addresses, as a table.

usage: ftp_matrix_test.py [--unpacked FOLDER] [--server NAME]…
Of the three servers only one can be installed; the files of the others are downloaded and unpacked,
or lie in FOLDER. A cell is ok, or what the client said. Where there is no PASV or PORT, over IPv6, clients
take EPSV and EPRT by themselves.
"""

import argparse
import pathlib
import subprocess
import sys

from ftp_test import abort, big_files_are_equal, cuts_are_survived, many_at_once
from harness.ftp import FtpServer, unpacked
from harness.ftp_modes import ACTIVE, PASSIVE
from harness.processes import Scene
from harness.relayd import HOME_NAME, Tunnel
from testhost import Network

# What is downloaded, with what it needs and a machine may lack.
PACKAGES = ("proftpd-core", "libmemcached11", "libmemcachedutil2", "libhashkit2", "libpcre2-posix3",
            "pure-ftpd", "pure-ftpd-common")


def add_ipv6(network):
    for number, space in enumerate(network.namespaces.values(), 1):
        subprocess.run(["ip", "-n", space, "addr", "add", f"fd78::{number}/64", "dev", "eth0", "nodad"],
                       check=True)


def relay_address(network, family):
    return network.addresses["relay"] if family == "4" else "[fd78::1]"


def start(scene, name, parts, family, network):
    address = "127.0.0.1" if family == "4" else "::1"
    within = network.inside("home")
    if name == "vsftpd":
        return FtpServer.vsftpd(scene, address, within)
    make = FtpServer.proftpd if name == "proftpd" else FtpServer.pureftpd
    return make(scene, parts, address, within)


def forward(tunnel, host, port, target, *options):
    tunnel.relay.relayctl("forward", "add", f"{host}:{port}", "--home", HOME_NAME, "--to", target,
                          "--probe", "none", *options)


def trials(tunnel):
    """What a transfer has to bear, in the order in which they need each other's files."""
    return {
        "100 MiB": lambda scene, network, place, server: big_files_are_equal(scene, network, place, server),
        "carriers cut": lambda scene, network, place, server: cuts_are_survived(
            scene, network, tunnel, place, server),
        "50 at once": lambda scene, network, place, _: many_at_once(scene, network, place),
        "ABOR": lambda scene, network, place, _: abort(scene, network, place)}


def outcome(use, *arguments):
    try:
        use(*arguments)
    except (RuntimeError, AssertionError, OSError, subprocess.TimeoutExpired) as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        return lines[-1][:100] if lines else type(error).__name__
    return "ok"


class Table:
    def __init__(self):
        self._columns = {}

    def add(self, column, row, text):
        self._columns.setdefault(column, {})[row] = text
        print(f"{column:24} {row:24} {text}", flush=True)

    def show(self):
        rows = list(dict.fromkeys(row for column in self._columns.values() for row in column))
        print("\n" + " " * 18 + "".join(f"{name:>16}" for name in self._columns))
        for row in rows:
            cells = (column[row] for column in self._columns.values())
            print(f"{row:18}" + "".join(f"{'ok' if cell == 'ok' else 'FAILED':>16}" for cell in cells))

    def failures(self):
        return [(column, row, text) for column, cells in self._columns.items()
                for row, text in cells.items() if text != "ok"]


def in_clear(scene, network, tunnel, servers, table):
    for server in servers:
        for family in ("4", "6"):
            port = scene.free_port()
            host = relay_address(network, family)
            forward(tunnel, host, port, server.place, "--protocol", "ftp")
            home_family = "6" if ":" in server.address else "4"
            column = f"{server.name} {family}>{home_family}"
            for row, use in (PASSIVE | ACTIVE).items():
                table.add(column, row, outcome(use, scene, network.inside("client"), (host, port), server))
            for row, use in trials(tunnel).items():
                table.add(column, row, outcome(use, scene, network, (host, port), server))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--unpacked", type=pathlib.Path)
    parser.add_argument("--server", action="append")
    options = parser.parse_args()
    names = options.server or ["vsftpd", "proftpd", "pure-ftpd"]
    table = Table()
    with Scene() as scene, Network("relay", "home", "client") as network:
        add_ipv6(network)
        parts = options.unpacked
        if parts is None and names != ["vsftpd"]:
            parts = unpacked(scene, *PACKAGES)
        servers = [start(scene, name, parts, family, network) for name in names for family in ("4", "6")]
        tunnel = Tunnel(scene, *(server.port for server in servers), network=network, relay_settings={
            "guard": '{"always": ["10.78.0.0/24", "fd78::/64"]}'})
        for server in servers:
            tunnel.home.relayctl("allow", server.place)
        in_clear(scene, network, tunnel, servers, table)
        table.show()
        for failure in table.failures():
            print(*failure, sep=" | ")
    sys.exit(1 if table.failures() else 0)


if __name__ == "__main__":
    main()
