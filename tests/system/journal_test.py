#!/usr/bin/env python3
"""What the journal of a booted machine gets from relayd, also when journald hangs.

usage: journal_test.py BUILD_FOLDER
A relay runs on the booted machine; two processes with the key of one home dial it from another
network namespace.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from harness.clients import HOST, connect
from harness.loudness import LINES_SAID, Pinging, numbers_in, say_much
from harness.netns import on_host
from systemd_service_test import install, journal_of, running, running_target
from testhost import Host, Network, wait_for, why_impossible

# daemon/log/message_ids.h
SESSION_TAKEN_OVER = "ddc14a3ce3804ac7b5e055b34b77d783"
LINES_DROPPED = "b61360a300a34f86af1de35a1c597e1d"
PATIENCE_SECONDS = 2  # Far more than an echo takes here, far less than for ever.


def fact(text):
    print(f"ok - {text}", flush=True)


def main_process(host, unit):
    return host.run("systemctl", "show", "-p", "MainPID", "--value", unit).stdout.strip()


def served_visitor(network):
    """A connection that has had an echo; None while the target does not run yet."""
    with on_host(network, "relay"):
        visitor = connect(3389)
    with contextlib.suppress(ConnectionError):
        visitor.sendall(b"x")
        if visitor.recv(1) == b"x":
            return visitor
    visitor.close()
    return None


def hung_journal(host, network):
    visitor = wait_for("the target", lambda: served_visitor(network))
    journald = main_process(host, "systemd-journald")
    before = len(numbers_in("\n".join(line["MESSAGE"] for line in journal_of(host))))
    host.run("kill", "-STOP", journald)
    try:
        with Pinging(visitor) as pinging:
            say_much(host.path("/run/relayd/control.sock"))
            seen = pinging.count
            wait_for("more echoes", lambda: pinging.fault or pinging.count > seen + 100)
    finally:
        host.run("kill", "-CONT", journald)
    assert pinging.fault is None, pinging.fault
    assert pinging.longest < PATIENCE_SECONDS, pinging.longest
    fact(f"a stream goes on while the journal hangs (longest echo {pinging.longest * 1000:.0f} ms, "
         f"{LINES_SAID} lines said)")

    notice = wait_for("the notice", lambda: journal_of(host, f"MESSAGE_ID={LINES_DROPPED}"))[0]
    found = re.fullmatch(r"(\d+) lines were dropped while the journal did not take them",
                         notice["MESSAGE"])
    assert found and notice["PRIORITY"] == "4", notice
    lines = [line["MESSAGE"] for line in journal_of(host)]
    place = lines.index(notice["MESSAGE"])
    numbers = numbers_in("\n".join(lines[:place]))[before:]
    assert numbers == list(range(len(numbers))), "lines are missing before the gap"
    assert len(numbers) + int(found.group(1)) >= LINES_SAID, (len(numbers), notice)
    fact(f"lines are in order up to the gap, and it says how wide it is: {len(numbers)}, "
         f"{found.group(1)} dropped")
    explained = host.run("journalctl", "-b", "-x", f"MESSAGE_ID={LINES_DROPPED}").stdout
    assert "relayd does not wait for whoever takes its log" in explained, explained
    fact("journalctl -x explains the gap")
    host.run("relayctl", "session", "close", "nothing-such", check=False)
    wait_for("a further line", lambda: any('"nothing-such"' in line["MESSAGE"]
                                           for line in journal_of(host)))
    fact("and the log goes on")
    visitor.close()


def taken_over(host, network, relayd, folder):
    assert not journal_of(host, f"MESSAGE_ID={SESSION_TAKEN_OVER}")
    twin = home_command(network, relayd, folder, folder / "twin.sock")
    with running(twin, folder / "twin.log"):
        lines = wait_for("the takeover",
                         lambda: journal_of(host, f"MESSAGE_ID={SESSION_TAKEN_OVER}"))
    line = lines[0]
    assert line["RELAYD_HOME"] == "work-pc" and line["PRIORITY"] == "4", line
    assert line["RELAYD_PEER"].startswith(network.addresses["home"] + ":"), line
    assert "another process with the key of this home" in line["MESSAGE"], line
    explained = host.run("journalctl", "-b", "-x", f"MESSAGE_ID={SESSION_TAKEN_OVER}").stdout
    assert "Home work-pc came again" in explained and "give each its own" in explained, explained
    fact("another process with the home's key has a line with its message id, explained by journalctl -x")


def the_log_of_a_home(host, folder):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "ghost"], check=True)
    host.run("relayctl", "home", "add", "ghost", (folder / "ghost.pub").read_text().strip())
    lines = wait_for("the line", lambda: host.run("relayctl", "log", "ghost").stdout).splitlines()
    assert len(lines) == 1 and "may dial in from now on" in lines[0], lines
    lines = [json.loads(line) for line in host.run("relayctl", "--json", "log", "work-pc").stdout.splitlines()]
    assert lines and {line["RELAYD_HOME"] for line in lines} == {"work-pc"}, lines
    everything = host.run("relayctl", "log").stdout
    assert "may dial in from now on" in everything and "homes may dial in on" in everything, everything
    assert host.run("relayctl", "log", "--since", "1h").stdout.count("\n") > 2
    assert not host.run("relayctl", "log", "--since", "2030-01-01", check=False).stdout
    assert "give each its own" in host.run("relayctl", "log", "work-pc", "--explain").stdout
    fact("relayctl log shows the lines of one home, or all, as text or JSON, explained or not")
    with running(host.inside("relayctl", "log", "ghost", "--follow"), folder / "follow.log"):
        wait_for("the old line", lambda: "may dial in" in (folder / "follow.log").read_text())
        host.run("relayctl", "home", "remove", "ghost")
        wait_for("the new line", lambda: "is removed" in (folder / "follow.log").read_text())
    fact("and follows")
    nobody = host.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                      "relayctl", "log", check=False)
    assert nobody.returncode == 1 and "usermod -aG systemd-journal" in nobody.stderr, nobody
    fact("who may not read the journal is told what to do")
    nothing = host.run("unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run/log && "
                       "mount -t tmpfs none /var/log && exec relayctl log", check=False)
    assert nothing.returncode == 1 and "no journal is kept here" in nothing.stderr, nothing
    fact("where there is no journal, it says so")


def stop_takes_no_longer(host):
    host.run("kill", "-STOP", main_process(host, "systemd-journald"))
    try:
        say_much(host.path("/run/relayd/control.sock"))
        host.run("systemctl", "stop", "relayd.socket", "relayd")
    finally:
        host.run("kill", "-CONT", main_process(host, "systemd-journald"))
    shown = host.run("systemctl", "show", "-p", "Result", "--value", "relayd").stdout.strip()
    assert shown == "success", shown
    fact("relayd stops in good order while the journal hangs")


def home_command(network, relayd, folder, control):
    return network.inside("home", relayd, "home", f"wss://{network.addresses['relay']}",
                          "--name", "work-pc", "--allow", "127.0.0.1:3389",
                          "--state-dir", folder / "home", "--control", control)


def run_steps(host, network, build, folder):
    host.run("systemd-sysusers")
    host.run("journalctl", "--update-catalog")
    host.run("systemctl", "enable", "--now", "relayd.socket", "relayd")
    relayd = f"{build}/daemon/relayd"
    key = subprocess.run([relayd, "key", "show", "--state-dir", folder / "home"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout.splitlines()[0]
    host.run("relayctl", "home", "add", "work-pc", key)
    home = home_command(network, relayd, folder, folder / "home.sock")
    with running_target(network, folder), running(home, folder / "home.log"):
        wait_for("the session", lambda: "work-pc" in host.run("relayctl", "sessions", "--json").stdout)
        host.run("relayctl", "forward", "add", f"{HOST}:3389", "--probe", "none")
        hung_journal(host, network)
        taken_over(host, network, relayd, folder)
        the_log_of_a_home(host, folder)
        stop_takes_no_longer(host)


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
        host.write("/etc/relayd/relayd.yaml",
                   'log-level: debug\nrelay:\n  listen: [ "wss://0.0.0.0:443" ]\n')
        host.boot()
        try:
            run_steps(host, network, build, folder)
        except BaseException:
            print(host.run("journalctl", "-b", "-u", "relayd", "-o", "short-precise").stdout[-20000:])
            print((folder / "home.log").read_text() if (folder / "home.log").exists() else "")
            raise


if __name__ == "__main__":
    main()
