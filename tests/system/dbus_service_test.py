#!/usr/bin/env python3
"""relayd on the system bus of a booted machine: who may ask it and hear it, by the installed policy.

usage: dbus_service_test.py BUILD_FOLDER
"""

import pathlib
import subprocess
import sys
import tempfile

from harness.bus import NAME, PATH, Asking
from systemd_service_test import install, property_of, running, running_target
from testhost import Host, Network, wait_for, why_impossible

NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
MEMBER = ("setpriv", "--reuid=member", "--regid=member", "--init-groups")
OUTSIDER = ("setpriv", "--reuid=outsider", "--regid=outsider", "--init-groups")


def fact(text):
    print(f"ok - {text}", flush=True)


def who_may_ask(bus):
    assert bus.ask("Status")["role"] == "relay"
    for who in (NOBODY, OUTSIDER):
        for words in (("call", NAME, PATH, NAME, "Status"), ("get-property", NAME, PATH, NAME, "Problems"),
                      ("call", NAME, PATH, NAME, "AddForward", "a{sv}", "1", "listen", "s", "4000"),
                      ("introspect", NAME, PATH)):
            done = bus.busctl(*words, check=False, before=who)
            assert done.returncode != 0 and "denied" in done.stderr.lower(), done
    fact("others may neither change nor read anything")
    added = bus.call("AddForward", {"listen": "4000", "probe": "none"}, before=MEMBER)
    assert "127.0.0.1:4000" in added.stdout, added
    assert "127.0.0.1:4000" in bus.call("ListForwards", {}, before=MEMBER).stdout
    bus.call("RemoveForward", {"listen": "4000"}, before=MEMBER)
    assert bus.busctl("get-property", NAME, PATH, NAME, "Role", before=MEMBER).stdout
    fact("a member of the group relayd may both")


def who_hears(host, bus, folder):
    logs = {}
    watch = ("gdbus", "monitor", "--system", "--dest", NAME, "--object-path", PATH)
    member, outsider = (host.inside(*who, *watch) for who in (MEMBER, OUTSIDER))
    logs["member"], logs["outsider"] = folder / "member.log", folder / "outsider.log"
    with running(member, logs["member"]), running(outsider, logs["outsider"]):
        for log in logs.values():
            wait_for("the monitor", lambda log=log: "is owned by" in log.read_text())
        bus.call("AddForward", {"listen": "4001", "to": "127.0.0.1:1", "probe": "tcp"})
        heard = wait_for("the signal", lambda: ".ProbeFailed ('work-pc', '127.0.0.1:4001', 'refused'"
                         in logs["member"].read_text() and logs["member"].read_text())
        assert "ForwardListening" in heard and ".Event ({" in heard, heard
        bus.call("RemoveForward", {"listen": "4001"})
        # Whatever was for the outsider has been sent to it before this.
        wait_for("the end", lambda: "'forward-removed'" in logs["member"].read_text())
        assert "Relay1.ProbeFailed" not in logs["outsider"].read_text(), logs["outsider"].read_text()
        assert ".Event" not in logs["outsider"].read_text(), logs["outsider"].read_text()
    fact("members hear signals, others do not")


def a_bus_that_ends(host, bus):
    host.run("systemctl", "restart", "dbus")
    wait_for("the name", lambda: bus.busctl("status", NAME, check=False).returncode == 0, 60)
    assert bus.ask("Status")["sessions"] == 1
    fact("a bus that was restarted is joined again")
    host.run("systemctl", "stop", "dbus.socket", "dbus.service")
    host.run("systemctl", "restart", "relayd")
    assert property_of(host, "ActiveState") == "active"
    host.run("relayctl", "status")
    fact("without a bus relayd starts and answers relayctl")
    host.run("systemctl", "start", "dbus.socket", "dbus.service")
    wait_for("the name", lambda: bus.busctl("status", NAME, check=False).returncode == 0, 60)
    fact("and joins the bus when there is one")


def run_steps(host, network, build, folder):
    host.run("systemd-sysusers")
    host.run("useradd", "--groups", "relayd", "member")
    host.run("useradd", "outsider")
    host.run("systemctl", "restart", "dbus")  # As the package does: policies name users.
    host.run("systemctl", "enable", "--now", "relayd.socket", "relayd")
    bus = Asking(host.run)
    wait_for("the name", bus.is_there, 40)
    relayd = f"{build}/daemon/relayd"
    key = subprocess.run([relayd, "key", "show", "--state-dir", folder / "home"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout.splitlines()[0]
    bus.call("AddHome", {"name": "work-pc", "key": key})
    home = network.inside("home", relayd, "home", f"wss://{network.addresses['relay']}",
                          "--name", "work-pc", "--allow", "127.0.0.1:*",
                          "--state-dir", folder / "home", "--control", folder / "home.sock")
    with running_target(network, folder), running(home, folder / "home.log"):
        wait_for("the session", lambda: bus.ask("Status")["sessions"] == 1)
        who_may_ask(bus)
        who_hears(host, bus, folder)
        a_bus_that_ends(host, bus)


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="relayd-test.") as name, \
            Network("relay", "home") as network, Host("relay", network) as host:
        folder = pathlib.Path(name)
        install(build, host.layer)
        host.write("/etc/relayd/relayd.yaml", 'relay:\n  listen: [ "wss://0.0.0.0:443" ]\n')
        host.boot()
        try:
            run_steps(host, network, build, folder)
        except BaseException:
            print(host.run("journalctl", "-b", "-o", "short-precise").stdout[-20000:])
            print((folder / "home.log").read_text() if (folder / "home.log").exists() else "")
            raise


if __name__ == "__main__":
    main()
