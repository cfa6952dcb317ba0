#!/usr/bin/env python3
"""relayd-hooks as Debian runs it: nobody but relayd-gate may write to its socket, where knocks wait while the
service starts again; what it owes is done after restarts and boots.

usage: hooks_service_test.py BUILD_FOLDER
"""

import pathlib
import subprocess
import sys

from gate_service_test import GROUPS, USERS, fact, property_of
from harness.gates import LONG
from systemd_service_test import install
from testhost import Host, Network, wait_for, why_impossible

UNIT = "relayd-hooks.service"
SOCKET = "/run/relayd-hooks/knocks.sock"
SETTINGS = """
relay: { listen: "ws://127.0.0.1:9" }
gates:
  mark:
    sequence: [10003, 10001, 10007]
    within: 60s
    open-for: 1h
    start-command: [ /bin/sh, -c, "echo %IP% in by $(id -un) >> /var/tmp/marks" ]
    stop-command: [ /bin/sh, -c, "echo %IP% out >> /var/tmp/marks" ]
"""


def prepare(host, build):
    install(build, host.layer)
    host.write("/etc/relayd/relayd.yaml", SETTINGS, 0o644)
    for name, more in (("passwd", USERS), ("group", GROUPS)):
        host.write(f"/etc/{name}", pathlib.Path(f"/etc/{name}").read_text() + more)


class Visit:
    def __init__(self, network, host):
        self.network, self.host = network, host
        self.address = network.addresses["visitor"]

    def knock(self):
        subprocess.run(self.network.inside("visitor", "knock", "-d", "20", self.network.addresses["vps"], "10003",
                                           "10001", "10007"), check=True)

    def marks(self):
        return self.host.run("cat", "/var/tmp/marks", check=False).stdout.splitlines()

    def wait_for_marks(self, *marks):
        wait_for(f"the marks {marks}", lambda: self.marks() == [f"{self.address} {mark}" for mark in marks], LONG)


def main():
    why = why_impossible()
    if why:
        print(f"skipped: {why}")
        sys.exit(77)
    with Network("vps", "visitor") as network, Host("vps", network) as host:
        prepare(host, pathlib.Path(sys.argv[1]).resolve())
        host.boot()
        visit = Visit(network, host)
        assert host.run("systemctl", "is-enabled", UNIT, check=False).stdout.strip() == "disabled"
        host.run("systemctl", "enable", "--now", "relayd-gate", "relayd-hooks")
        assert host.run("stat", "-c", "%a %U", SOCKET).stdout == "600 relayd-gate\n"
        assert host.run("stat", "-c", "%a %U", "/var/lib/relayd-hooks").stdout == "700 root\n"
        fact("off by default; its socket is relayd-gate's, and its state root's")
        visit.knock()
        visit.wait_for_marks("in by root")
        fact("stock knock runs the command, as root")
        host.run("systemctl", "restart", UNIT)
        host.run("systemctl", "kill", "-s", "KILL", UNIT)
        wait_for("it to be there again", lambda: property_of(host, "ActiveState", UNIT) == "active", LONG)
        host.run("systemctl", "restart", "relayd-gate")
        assert visit.marks() == [f"{visit.address} in by root"]
        fact("a restart and a kill of relayd-hooks, and a restart of relayd-gate, run nothing")
        host.run("systemctl", "stop", UNIT)
        host.run("relayctl", "gate", "close", "mark", visit.address)
        visit.wait_for_marks("in by root", "out")
        fact("what relayd-gate tells starts it, and the end of a visit that began before is run")


if __name__ == "__main__":
    main()
