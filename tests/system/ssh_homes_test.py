#!/usr/bin/env python3
"""Homes with nothing but an ssh client: `ssh -R PORT:… vps relayctl watch PORT` in a loop.

usage: ssh_homes_test.py BUILD_FOLDER [alone|relay]
With login sessions and without; alone: without a relayd.
"""

import json
import pathlib
import sys

from harness.processes import Scene, wait_for
from harness.ssh_homes import SshHomes, prepare
from systemd_service_test import install
from testhost import Host, Network, why_impossible

RELAY = "relay:\n  listen: wss://0.0.0.0:8443\n"
EVERY = ("--every", "500ms")


def forward(port, target=3389):
    return "-R", f"{port}:127.0.0.1:{target}"


def lines(process, word):
    return [line for line in process.text().splitlines() if word in line]


def wait_for_line(process, word, count=1, seconds=30):
    return wait_for(f"{count} lines with \"{word}\"",
                    lambda: len(lines(process, word)) >= count, seconds)


def nothing_is_left(homes, port):
    """Neither the port nor a process of the sessions."""
    homes.wait_for_no_listener(port)
    wait_for("the last process of the sessions", lambda: not [
        name for name in homes.host.run("ps", "-e", "-o", "comm=").stdout.split("\n")
        if name.startswith("relayctl")], 10)


def a_session_watches_its_port(homes, scene):
    client = homes.dial("home", "tun", *forward(3389), remote=["relayctl", "watch", "3389", *EVERY])
    wait_for_line(client, " ok, RDP", 3)
    line = lines(client, " ok, RDP")[0]
    date, time = line.split()[:2]
    assert len(date) == 10 and len(time) == 8 and " ms" in line, line
    scene.fact("a session prints date, time and verdict of each probe")
    return client


def it_ends_when_its_probe_fails(homes, scene, client, sick):
    sick.touch()
    assert client.wait(20) == 1, client.text()
    assert lines(client, " closed") and "the probe failed: ending" in client.text(), client.text()
    nothing_is_left(homes, 3389)
    sick.unlink()
    scene.fact("it ends with status 1 when its probe fails, and leaves no process behind")


def failures_can_be_endured(homes, scene, sick):
    client = homes.dial("home", "tun", *forward(3389),
                        remote=["relayctl", "--json", "watch", "3389", *EVERY, "--failures", "3"])
    wait_for_line(client, '"ok":true')
    sick.touch()
    assert client.wait(20) == 1, client.text()
    said = [json.loads(line) for line in client.text().splitlines()]
    failed = [line for line in said if "probe" in line and not line["probe"]["ok"]]
    assert len(failed) == 3 and failed[0]["probe"]["verdict"] == "closed", said
    assert said[-1]["event"]["kind"] == "watch-failed", said
    sick.unlink()
    nothing_is_left(homes, 3389)
    scene.fact("as many failures as it is told, and JSON for programs")


def it_ends_with_its_session(homes, scene):
    for signal in (15, 9):
        client = homes.dial("home", "tun", *forward(3389), remote=["relayctl", "watch", "3389", *EVERY])
        wait_for_line(client, " ok, RDP")
        client.signal(signal)
        client.wait(10)
        nothing_is_left(homes, 3389)
    scene.fact("it ends when its ssh client does, and leaves nothing")
    client = homes.dial("home", "tun", *forward(3389), remote=["relayctl", "watch", "3389", *EVERY])
    wait_for_line(client, " ok, RDP")
    watcher, = homes.processes("relayctl:3389")
    above = homes.host.run("ps", "-o", "ppid=", "-p", str(watcher)).stdout.strip()
    homes.host.run("kill", "-KILL", above)
    client.wait(10)
    nothing_is_left(homes, 3389)
    scene.fact("it ends when its sshd is killed")


def a_port_that_is_not_forwarded_is_told(homes, scene):
    client = homes.dial("home", "tun", remote=["relayctl", "watch", "3399"])
    assert client.wait(20) == 1 and "nobody listens on 127.0.0.1:3399" in client.text(), client.text()
    client = homes.dial("home", "tun", remote=["relayctl", "watch", "22"])
    assert client.wait(20) == 1 and "another user's" in client.text(), client.text()
    scene.fact("a port that ssh does not forward, or that is another user's, is told")


def the_loop_comes_back(homes, scene, sick):
    loop = homes.loop("home", "tun", *forward(3389), remote=["relayctl", "watch", "3389", *EVERY])
    wait_for_line(loop, " ok, RDP")
    sick.touch()
    wait_for_line(loop, "again after 1")
    sick.unlink()
    before = len(lines(loop, " ok, RDP"))
    wait_for_line(loop, " ok, RDP", before + 2)
    loop.stop()
    nothing_is_left(homes, 3389)
    scene.fact("a loop comes back when its target does")


def a_predecessor_is_ended(homes, scene, at, port):
    """The network of the first vanishes for good, and the home comes again from elsewhere."""
    first = homes.dial(at, "tun", *forward(port), remote=["relayctl", "watch", str(port), "--every", "1h"])
    wait_for_line(first, " ok")
    holder = homes.holders(port)
    homes.vanish(at, first)
    loop = homes.loop("home", "tun", *forward(port),
                      remote=["relayctl", "watch", str(port), "--probe", "rdp", *EVERY])
    wait_for_line(loop, " ok, RDP", 2)
    assert homes.holders(port) != holder
    assert lines(loop, "connect again"), loop.text()
    loop.stop()
    nothing_is_left(homes, port)
    print(loop.text())
    scene.fact("a session that came back ends its predecessor, whose network has vanished")


def a_predecessor_that_watches_nothing_is_ended(homes, scene, at):
    """With login sessions, whatever the former session ran."""
    first = homes.dial(at, "tun", *forward(3389), remote=["sleep", "1000"])
    homes.wait_for_listener(3389)
    homes.vanish(at, first)
    loop = homes.loop("home", "tun", *forward(3389), remote=["relayctl", "watch", "3389", *EVERY])
    wait_for_line(loop, " ok, RDP", 2)
    assert lines(loop, "ended just now: connect again"), loop.text()
    loop.stop()
    nothing_is_left(homes, 3389)
    scene.fact("with login sessions, a former session that watched nothing is ended too")


def its_own_probe_ends_a_stale_session(homes, scene, at, kind):
    """Nobody comes back: the command ends what its client cannot."""
    client = homes.dial(at, "tun", *forward(3389),
                        remote=["relayctl", "watch", "3389", "--probe", kind, *EVERY])
    wait_for_line(client, " ok", 2)
    homes.vanish(at, client)
    nothing_is_left(homes, 3389)
    scene.fact(f"a stale session whose probe ({kind}) fails frees the port by itself")


def release_comes_before_a_strict_client(homes, scene, at):
    first = homes.dial(at, "tun", *forward(3389), remote=["relayctl", "watch", "3389", "--every", "1h"])
    wait_for_line(first, " ok, RDP")
    homes.vanish(at, first)
    loop = homes.loop("home", "tun", "-o", "ExitOnForwardFailure=yes", *forward(3389),
                      first=["relayctl", "release", "3389"], remote=["relayctl", "watch", "3389", *EVERY])
    wait_for_line(loop, " ok, RDP", 2)
    assert "forwarding failed" not in loop.text(), loop.text()
    loop.stop()
    nothing_is_left(homes, 3389)
    done = homes.as_user("tun", "relayctl", "release", "3389")
    assert done.returncode == 0
    scene.fact("release frees the port before a client with ExitOnForwardFailure")


def run(build, logind, relay):
    vanishing = [f"gone{number}" for number in range(5)]
    with Scene() as scene, Network("vps", "home", "other", *vanishing) as network, \
            Host("vps", network) as host:
        install(build, host.layer)
        prepare(host, logind)
        host.write("/etc/relayd/relayd.yaml", RELAY)
        host.boot()
        host.run("systemd-sysusers")
        if relay:
            host.run("systemctl", "start", "relayd")
        homes = SshHomes(scene, network, host)
        for user in ("tun", "other"):
            homes.add_user(user)
        sick = homes.desktop("home", 3389)
        for at in vanishing:
            homes.desktop(at, 3389)
        print(f"-- login sessions: {logind}, relayd: {relay}", flush=True)
        client = a_session_watches_its_port(homes, scene)
        assert ("relayd is not there" in client.text()) != relay, client.text()
        it_ends_when_its_probe_fails(homes, scene, client, sick)
        failures_can_be_endured(homes, scene, sick)
        it_ends_with_its_session(homes, scene)
        a_port_that_is_not_forwarded_is_told(homes, scene)
        the_loop_comes_back(homes, scene, sick)
        a_predecessor_is_ended(homes, scene, vanishing[0], 3389)
        its_own_probe_ends_a_stale_session(homes, scene, vanishing[1], "rdp")
        its_own_probe_ends_a_stale_session(homes, scene, vanishing[4], "tcp")
        release_comes_before_a_strict_client(homes, scene, vanishing[2])
        if logind:
            a_predecessor_that_watches_nothing_is_ended(homes, scene, vanishing[3])


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    chosen = sys.argv[2:] or ["alone", "relay"]
    for kind in chosen:
        for logind in (True, False):
            run(build, logind, kind == "relay")


if __name__ == "__main__":
    main()
