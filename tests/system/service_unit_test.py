#!/usr/bin/env python3
"""relayd.service with a stand-in for relayd: its sandbox, its user, readiness, watchdog and journal.

usage: service_unit_test.py BUILD_FOLDER STAND_IN
"""

import json
import pathlib
import shutil
import sys

from testhost import Host, Network, wait_for, why_impossible

HOME_CONNECTED = "41c16bf9f8614369a98af73aaac222c2"  # daemon/log/message_ids.h
WATCHDOG_SECONDS = 1


def property_of(host, name):
    return host.run("systemctl", "show", "-p", name, "--value", "relayd").stdout.strip()


def put(host, source, destination):
    target = host.layer / destination.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def the_service_is_ready_and_confined(host):
    host.run("systemctl", "enable", "--now", "relayd.socket", "relayd")
    assert property_of(host, "ActiveState") == "active"
    assert property_of(host, "StatusText") == "passed: listen listen and may not bind 443"
    process = pathlib.Path("/proc") / property_of(host, "MainPID")
    status = dict(line.split(":\t", 1) for line in host.run("cat", process / "status").stdout.splitlines()
                  if ":\t" in line)
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, status
    assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2", status
    assert "0" not in status["Uid"].split(), status["Uid"]


def the_journal_has_fields(host):
    lines = wait_for("the journal", lambda: host.run(
        "journalctl", "-b", "-u", "relayd", "-o", "json", "RELAYD_HOME=work-pc").stdout).splitlines()
    line = json.loads(lines[0])
    assert line["_TRANSPORT"] == "journal" and line["SYSLOG_IDENTIFIER"] == "relayd", line
    assert line["MESSAGE"] == "home connected from 192.0.2.1\\x0a", line
    assert line["RELAYD_SESSION"] == "7" and line["PRIORITY"] == "6", line
    explained = host.run("journalctl", "-b", "-x", f"MESSAGE_ID={HOME_CONNECTED}").stdout
    assert "Home work-pc connected" in explained, explained


def a_hung_process_is_started_again(host):
    hung = property_of(host, "MainPID")
    assert property_of(host, "NRestarts") == "0"
    host.run("kill", "-STOP", hung)
    wait_for("the watchdog", lambda: property_of(host, "NRestarts") == "1")
    wait_for("its return", lambda: property_of(host, "ActiveState") == "active")
    assert property_of(host, "MainPID") != hung


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    build, stand_in = map(pathlib.Path, sys.argv[1:])
    source = pathlib.Path(__file__).resolve().parents[2] / "systemd"
    with Network("relay") as network, Host("relay", network) as host:
        put(host, stand_in, "/usr/sbin/relayd")
        put(host, build / "systemd/relayd.service", "/usr/lib/systemd/system/relayd.service")
        put(host, source / "relayd.socket", "/usr/lib/systemd/system/relayd.socket")
        put(host, source / "relayd.sysusers", "/usr/lib/sysusers.d/relayd.conf")
        put(host, source / "relayd.catalog", "/usr/lib/systemd/catalog/relayd.catalog")
        host.write("/etc/relayd/relayd.yaml", "for a stand-in: anything\n")
        host.write("/etc/systemd/system/relayd.service.d/test.conf",
                   f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}s\n")
        host.boot()
        host.run("systemd-sysusers")
        host.run("journalctl", "--update-catalog")
        try:
            the_service_is_ready_and_confined(host)
            the_journal_has_fields(host)
            a_hung_process_is_started_again(host)
            host.run("systemctl", "stop", "relayd")
            assert property_of(host, "Result") == "success", property_of(host, "Result")
        except BaseException:
            print(host.run("journalctl", "-b", "-o", "short-precise").stdout)
            raise


if __name__ == "__main__":
    main()
