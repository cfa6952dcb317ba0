#!/usr/bin/env python3
"""relayd as Debian runs it: installed, enabled, in its sandbox, on a machine booted by systemd.

usage: systemd_service_test.py BUILD_FOLDER
A relay runs on the booted machine; a home dials it from another network namespace.
"""

import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from testhost import Host, Network, wait_for, why_impossible

HOME_CONNECTED = "41c16bf9f8614369a98af73aaac222c2"  # daemon/log/message_ids.h
WATCHDOG_SECONDS = 2
ECHO_ONCE = """
import socket
with socket.create_connection(("127.0.0.1", 3389), timeout=20) as visitor:
    visitor.sendall(b"is anybody home?")
    visitor.shutdown(socket.SHUT_WR)
    answer = b""
    while part := visitor.recv(1000):
        answer += part
print(answer.decode())
"""
ECHO_SERVER = """
import socket, threading
def echo(peer):
    with peer:
        while part := peer.recv(65536):
            peer.sendall(part)
server = socket.create_server(("127.0.0.1", 3389))
while True:
    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
"""


def install(build, layer):
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", layer],
                   check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def running(command, log):
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextlib.contextmanager
def running_target(network, folder):
    """An echo on port 3389 of the home's host; it listens."""
    command = network.inside("home", sys.executable, "-c", ECHO_SERVER)
    with running(command, folder / "target.log") as process:
        listening = network.inside("home", "ss", "-Hltn", "sport = :3389")
        wait_for("the target", lambda: subprocess.run(listening, check=True, stdout=subprocess.PIPE).stdout)
        yield process


def property_of(host, name):
    return host.run("systemctl", "show", "-p", name, "--value", "relayd").stdout.strip()


def journal_of(host, *matches):
    lines = host.run("journalctl", "-b", "-u", "relayd", "-o", "json", *matches).stdout.splitlines()
    return [json.loads(line) for line in lines]


def the_service_starts_when_enabled(host):
    host.run("systemd-sysusers")
    host.run("journalctl", "--update-catalog")
    host.run("systemctl", "enable", "--now", "relayd.socket", "relayd")
    assert property_of(host, "ActiveState") == "active"
    assert property_of(host, "User") == "relayd"


def only_its_group_may_ask(host):
    host.run("relayctl", "status")
    refused = host.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                       "relayctl", "status", check=False)
    assert refused.returncode in (1, 3), refused
    host.run("setpriv", "--reuid=nobody", "--regid=relayd", "--clear-groups", "relayctl", "status")


def a_forward_carries_a_visitor(host):
    wait_for("the home's session",
             lambda: "work-pc" in host.run("relayctl", "sessions", "--json").stdout)
    host.run("relayctl", "forward", "add", "3389")
    assert host.run("python3", "-c", ECHO_ONCE).stdout == "is anybody home?\n"
    sessions = host.run("relayctl", "sessions").stdout
    assert "work-pc" in sessions and "3389" in sessions, sessions


def the_journal_has_fields(host):
    lines = journal_of(host, "RELAYD_HOME=work-pc", f"MESSAGE_ID={HOME_CONNECTED}")
    assert lines, journal_of(host)
    assert lines[0]["_TRANSPORT"] == "journal" and lines[0]["SYSLOG_IDENTIFIER"] == "relayd", lines[0]
    assert "\n" not in lines[0]["MESSAGE"]
    explained = host.run("journalctl", "-b", "-x", f"MESSAGE_ID={HOME_CONNECTED}").stdout
    assert "Home work-pc connected" in explained, explained


def a_reload_keeps_process_and_session(host):
    assert property_of(host, "StatusText"), "no status line"
    before = property_of(host, "MainPID")
    host.run("systemctl", "reload", "relayd")
    assert property_of(host, "MainPID") == before
    assert host.run("python3", "-c", ECHO_ONCE).stdout == "is anybody home?\n"


def a_hung_daemon_is_started_again(host):
    started = int(property_of(host, "ExecMainStartTimestampMonotonic")) / 1e6
    wait_for("two watchdog periods", lambda: time.monotonic() - started > 2 * WATCHDOG_SECONDS)
    assert property_of(host, "NRestarts") == "0"
    host.run("kill", "-STOP", property_of(host, "MainPID"))
    wait_for("the watchdog", lambda: property_of(host, "NRestarts") == "1")
    wait_for("its return", lambda: property_of(host, "ActiveState") == "active")
    wait_for("the home's return", lambda: "work-pc" in host.run("relayctl", "sessions").stdout, 40)
    assert host.run("python3", "-c", ECHO_ONCE).stdout == "is anybody home?\n"


def wrong_settings_are_not_tried_for_ever(host):
    host.run("sh", "-c", "echo 'relay: { lisen: [] }' > /etc/relayd/relayd.yaml")
    # Or it would wait for right ones: somebody may connect.
    host.run("systemctl", "stop", "relayd.socket", "relayd")
    assert host.run("systemctl", "start", "relayd", check=False).returncode != 0
    assert property_of(host, "ExecMainStatus") == "2"
    assert property_of(host, "ActiveState") == "failed"
    text = host.run("journalctl", "-b", "-u", "relayd", "-o", "cat").stdout
    assert "relayd.yaml:1:" in text, text


def run_steps(host, network, build, folder):
    the_service_starts_when_enabled(host)
    only_its_group_may_ask(host)
    relayd = f"{build}/daemon/relayd"
    key = subprocess.run([relayd, "key", "show", "--state-dir", folder / "home"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout.splitlines()[0]
    host.run("relayctl", "home", "add", "work-pc", key)
    home = network.inside("home", relayd, "home", f"wss://{network.addresses['relay']}",
                          "--name", "work-pc", "--allow", "127.0.0.1:3389",
                          "--state-dir", folder / "home", "--control", folder / "home.sock")
    with running_target(network, folder), running(home, folder / "home.log"):
        a_forward_carries_a_visitor(host)
        the_journal_has_fields(host)
        a_reload_keeps_process_and_session(host)
        a_hung_daemon_is_started_again(host)
        wrong_settings_are_not_tried_for_ever(host)


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
        host.write("/etc/systemd/system/relayd.service.d/test.conf",
                   f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}s\n")
        host.boot()
        try:
            run_steps(host, network, build, folder)
        except BaseException:
            print(host.run("journalctl", "-b", "-u", "relayd", "-o", "short-precise").stdout)
            print((folder / "home.log").read_text() if (folder / "home.log").exists() else "")
            raise


if __name__ == "__main__":
    main()
