#!/usr/bin/env python3
"""relayd-gate as Debian runs it: a host that boots comes up closed, and the program has one right.

usage: gate_service_test.py BUILD_FOLDER
"""

import json
import pathlib
import re
import socket
import subprocess
import sys

from harness.gates import LONG, echo_on
from harness.netns import on_host
from systemd_service_test import install
from testhost import Host, Network, wait_for, why_impossible

EXPOSURE_MOST = 1.6
NET_ADMIN = 1 << 12
UNIT = "relayd-gate.service"
WANTS = f"etc/systemd/system/multi-user.target.wants/{UNIT}"
PORT = 2222
SETTINGS = """
relay: { listen: "ws://127.0.0.1:9" }
gates:
  ssh: { ports: 2222, sequence: [10003, 10001, 10007], within: 60s, open-for: 1h }
"""
# The package makes them at its installation, before the boot that counts here.
USERS = "relayd:x:981:981:relayd:/var/lib/relayd:/usr/sbin/nologin\n" \
        "relayd-gate:x:982:982:relayd-gate:/var/lib/relayd-gate:/usr/sbin/nologin\n"
GROUPS = "relayd:x:981:\nrelayd-gate:x:982:\n"


def fact(text):
    print(f"ok - {text}", flush=True)


def is_let_in(network):
    with on_host(network, "visitor"):
        try:
            with socket.create_connection((network.addresses["vps"], PORT), timeout=LONG) as connection:
                connection.sendall(b"ping")
                return connection.recv(100) == b"ping"
        except OSError:
            return False


def knock(network):
    subprocess.run(network.inside("visitor", "knock", "-d", "20", network.addresses["vps"], "10003", "10001",
                                  "10007"), check=True)


def property_of(host, name, unit=UNIT):
    return host.run("systemctl", "show", "-p", name, "--value", unit).stdout.strip()


def prepare(host, build):
    install(build, host.layer)
    host.write("/etc/relayd/relayd.yaml", SETTINGS, 0o644)
    for name, more in (("passwd", USERS), ("group", GROUPS)):
        host.write(f"/etc/{name}", pathlib.Path(f"/etc/{name}").read_text() + more)
    link = host.layer / WANTS
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(f"/usr/lib/systemd/system/{UNIT}")


def main():
    why = why_impossible()
    if why:
        print(f"skipped: {why}")
        sys.exit(77)
    with Network("vps", "visitor") as network, Host("vps", network) as host:
        prepare(host, pathlib.Path(sys.argv[1]).resolve())
        echo_on(network, PORT)
        assert is_let_in(network)
        host.boot()
        assert not is_let_in(network)
        fact("a host that has booted is closed")
        closed_at = int(property_of(host, "ActiveEnterTimestampMonotonic"))
        network_at = int(property_of(host, "ActiveEnterTimestampMonotonic", "network-pre.target"))
        assert 0 < closed_at <= network_at, (closed_at, network_at)
        fact("before there is a network")
        knock(network)
        assert is_let_in(network)
        wait_for("the journal", lambda: "gate ssh is open for" in host.run(
            "journalctl", "-b", "-u", UNIT, "-o", "cat").stdout, LONG)
        fact("it opens for who knocks, and the journal says so")
        status = host.run("cat", f"/proc/{property_of(host, 'MainPID')}/status").stdout
        held = {int(each, 16) for each in re.findall(r"Cap(?:Prm|Eff|Bnd|Amb):\t(\w+)", status)}
        assert held == {NET_ADMIN} and property_of(host, "User") == "relayd-gate", status
        judged = host.run("systemd-analyze", "security", "--no-pager", UNIT).stdout
        exposure = float(re.search(r"exposure level for relayd-gate.service: ([0-9.]+)", judged)[1])
        assert exposure <= EXPOSURE_MOST, judged
        fact(f"it has the right to change the packet filter, and no other (exposure {exposure})")
        listed = json.loads(host.run("relayctl", "--json", "gates").stdout)["gates"]
        assert [each["address"] for each in listed[0]["open"]] == [network.addresses["visitor"]], listed
        host.run("systemctl", "restart", UNIT)
        wait_for("relayctl to be answered", lambda: host.run("relayctl", "gates", check=False).returncode == 0, LONG)
        assert is_let_in(network)
        host.run("relayctl", "gate", "close", "ssh", network.addresses["visitor"])
        assert not is_let_in(network)
        host.run("systemctl", "stop", UNIT)
        assert not is_let_in(network)
        knock(network)
        assert is_let_in(network)
        fact("a restart keeps who was let in; stopped, it leaves the gates to the kernel")
        host.run("relayd-gate", "--clear")
        assert "relayd_gates" not in host.run("nft", "list", "ruleset").stdout and is_let_in(network)
        fact("relayd-gate --clear opens them")


if __name__ == "__main__":
    main()
