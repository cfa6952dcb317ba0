#!/usr/bin/env python3
"""A test host boots a systemd of its own, with its own network, journal and services."""

import sys

from testhost import Host, Network, wait_for, why_impossible

NOTIFYING_SERVICE = """
[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'systemd-notify --ready --status="as it should be"; exec sleep 1000'
"""


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    with Network("one", "two") as network, Host("one", network) as host:
        host.write("/etc/systemd/system/notifying.service", NOTIFYING_SERVICE)
        host.boot()
        host.run("systemctl", "start", "notifying")
        status = host.run("systemctl", "show", "-p", "StatusText", "--value", "notifying").stdout
        assert status == "as it should be\n", status
        assert host.read("/etc/hostname") == "one\n"
        wait_for("the journal", lambda: "Started notifying.service" in host.run(
            "journalctl", "-b", "-u", "notifying", "-o", "cat").stdout)
        assert network.addresses["one"] in host.run("ip", "-brief", "address").stdout


if __name__ == "__main__":
    main()
