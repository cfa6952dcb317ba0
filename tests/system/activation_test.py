#!/usr/bin/env python3
"""relayd.socket: a relay without any privilege on port 443, started by the first connection, whose
streams outlive restarts, kills and hangs as they do without it.

usage: activation_test.py BUILD_FOLDER
"""

import json
import pathlib
import re
import socket
import ssl
import sys
import time

from harness.clients import connect
from harness.endless import Crowd
from harness.netns import on_host
from harness.processes import Scene, wait_for
from harness.targets import Service, Target, echo
from harness.traffic import exactly
from service_restart_test import ENOUGH_BYTES, Gaps, Pinger, property_of
from systemd_service_test import install
from testhost import Host, Network, why_impossible

EXPOSURE_MOST = 1.3
WATCHDOG_SECONDS = 2
STOP_SECONDS = 5
NOT_SERVED = "9eec53cf0af1426baeb1b54ee6ba094a"  # daemon/log/message_ids.h
RELAY = """relay:
  listen: [ "wss://0.0.0.0:443" ]
  probe-interval: 0s
  homes:
    work-pc: {{ key: "{key}" }}
"""
HOME = """home:
  name: work-pc
  relay: wss://10.78.0.1
  allow: [ "127.0.0.1:*" ]
"""


def state_of(host, unit="relayd.service"):
    return host.run("systemctl", "is-active", unit, check=False).stdout.strip()


def said(host, *matches):
    return host.run("journalctl", "-b", "-u", "relayd", "-o", "cat", *matches).stdout


def the_first_connection_starts_it(relay, home):
    relay.run("systemctl", "enable", "--now", "relayd.socket")
    assert state_of(relay) == "inactive", state_of(relay)
    home.run("systemctl", "enable", "--now", "relayd")
    return wait_for("the home's session", lambda: session_of(relay), 30)


def session_of(relay):
    if state_of(relay) != "active":
        return None
    shown = relay.run("relayctl", "--json", "sessions", check=False).stdout
    return json.loads(shown)["sessions"][0]["id"] if '"attached"' in shown else None


def it_has_no_privilege_at_all(relay):
    status = relay.run("cat", f"/proc/{property_of(relay, 'MainPID')}/status").stdout
    assert re.findall(r"Cap(?:Inh|Prm|Eff|Bnd|Amb):\t(\w+)", status) == ["0" * 16] * 5, status
    assert property_of(relay, "User") == "relayd"
    judged = relay.run("systemd-analyze", "security", "--no-pager", "relayd.service").stdout
    exposure = float(re.search(r"exposure level for relayd.service: ([0-9.]+)", judged)[1])
    assert exposure <= EXPOSURE_MOST, judged


def the_other_family_is_served_too(network):
    with on_host(network, "relay"):
        plain = socket.create_connection(("::1", 443), timeout=20)
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    with anybody.wrap_socket(plain) as secure:
        secure.sendall(b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n")
        assert secure.recv(100).startswith(b"HTTP/1.1 404")


def streams_outlive(relay, gaps, what, do):
    before, session = property_of(relay, "MainPID"), session_of(relay)
    gaps.during(what, do, lambda: property_of(relay, "MainPID") not in (before, "0"))
    assert wait_for("the session", lambda: session_of(relay)) == session
    assert property_of(relay, "NFileDescriptorStore") == "3"


def it_stops_in_time(relay, crowd):
    moved = crowd.moved()
    wait_for("bytes on their way", lambda: crowd.moved() > moved + ENOUGH_BYTES, 60)
    began = time.monotonic()
    relay.run("systemctl", "stop", "relayd.socket")  # Or a home would start it again.
    assert time.monotonic() - began < STOP_SECONDS
    assert property_of(relay, "Result") == "success", property_of(relay, "Result")


def without_the_socket_it_says_what_is_missing(relay):
    assert relay.run("systemctl", "start", "relayd", check=False).returncode != 0
    assert property_of(relay, "ExecMainStatus") == "2"
    assert "enable --now relayd.socket" in said(relay), said(relay)


def a_forward_may_have_a_low_port(network, relay, target):
    relay.run("mkdir", "-p", "/etc/systemd/system/relayd.socket.d")
    relay.write_now("/etc/systemd/system/relayd.socket.d/more.conf",
                    b"[Socket]\nListenStream=0.0.0.0:992\nListenStream=127.0.0.1:445\n")
    relay.run("systemctl", "daemon-reload")
    relay.run("systemctl", "start", "relayd.socket", "relayd")
    wait_for("the session", lambda: session_of(relay), 30)
    relay.run("relayctl", "forward", "add", "445", "--home", "work-pc", "--to",
              f"127.0.0.1:{target.port}", "--probe", "none", "--grace", "60s")
    relay.run("systemctl", "stop", "relayd")
    with on_host(network, "relay"):
        visitor = connect(445, 60)  # Starts relayd, and waits for the home.
    with visitor:
        visitor.sendall(b"anybody there?")
        assert exactly(visitor, 14) == b"anybody there?"


def a_socket_that_nothing_is_about_is_told(relay, home):
    told = said(relay, f"MESSAGE_ID={NOT_SERVED}").splitlines()[-1]
    assert "0.0.0.0:992" in told and ":443" not in told, told
    home.run("systemctl", "stop", "relayd")
    home.run("systemctl", "start", "relayd.socket", "relayd")
    assert "a home listens to nothing" in said(home, f"MESSAGE_ID={NOT_SERVED}"), said(home)


def steps(scene, network, relay, home):
    the_first_connection_starts_it(relay, home)
    scene.fact("a home's connection starts the relay")
    it_has_no_privilege_at_all(relay)
    scene.fact(f"port 443 without any capability, exposure at most {EXPOSURE_MOST}")
    the_other_family_is_served_too(network)
    scene.fact("[::]:443 is served beside 0.0.0.0:443")
    crowd = Crowd(4)
    with on_host(network, "home"):
        busy, quiet = Target(scene, crowd.serve), Service(scene, echo)
    for target in (busy, quiet):
        relay.run("relayctl", "forward", "add", str(target.port), "--home", "work-pc", "--to",
                  f"127.0.0.1:{target.port}", "--probe", "none")
    crowd.come(busy.port, lambda: on_host(network, "relay"))
    with on_host(network, "relay"):
        gaps = Gaps(crowd, Pinger(connect(quiet.port, 60)))
    wait_for("busy visitors", lambda: crowd.moved() > ENOUGH_BYTES)
    main_process = lambda: property_of(relay, "MainPID")
    for what, do in {
        "a restart": lambda: relay.run("systemctl", "restart", "relayd"),
        "kill -9": lambda: relay.run("kill", "-KILL", main_process()),
        "a hang of the loop": lambda: relay.run("kill", "-STOP", main_process()),
        "a restart of the socket": lambda: relay.run("systemctl", "restart", "relayd.socket"),
    }.items():
        streams_outlive(relay, gaps, what, do)
        scene.fact(f"streams outlive {what}")
    gaps.show()
    it_stops_in_time(relay, crowd)
    scene.fact(f"busy, it is stopped within {STOP_SECONDS} s")
    without_the_socket_it_says_what_is_missing(relay)
    scene.fact("alone it says that relayd.socket is missing")
    a_forward_may_have_a_low_port(network, relay, quiet)
    scene.fact("a forward has port 445, and its visitor starts relayd")
    a_socket_that_nothing_is_about_is_told(relay, home)
    scene.fact("a passed socket that nothing serves is told")


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    with Scene() as scene, Network("relay", "home") as network, \
            Host("relay", network) as relay, Host("home", network) as home:
        for host in (relay, home):
            install(build, host.layer)
            host.write("/etc/systemd/system/relayd.service.d/test.conf",
                       f"[Service]\nLimitNOFILE=20000\nWatchdogSec={WATCHDOG_SECONDS}s\n")
        home.write("/etc/relayd/relayd.yaml", HOME)
        (relay.layer / "etc/relayd").mkdir(parents=True)
        for host in (relay, home):
            host.boot()
            host.run("systemd-sysusers")
        key = home.run("relayd", "key", "show").stdout.splitlines()
        relay.write_now("/etc/relayd/relayd.yaml", RELAY.format(key=key[0]).encode())
        try:
            steps(scene, network, relay, home)
        except BaseException:
            for host in (relay, home):
                print(host.run("journalctl", "-b", "-o", "short-precise").stdout[-9000:])
            raise


if __name__ == "__main__":
    main()
