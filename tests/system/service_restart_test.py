#!/usr/bin/env python3
"""relayd as a service of booted machines: restarted, reloaded, upgraded, its unit changed, killed in
a row, the relay's and the home's, while busy connections go both ways and others are merely open.

service_restart_test.py BUILD_FOLDER [--restarts N] [--kills N] [--streams N] [--idle N] [--seed N]
"""

import argparse
import json
import pathlib
import random
import resource
import subprocess
import sys
import threading
import time

from harness.clients import connect
from harness.endless import Crowd
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.targets import Service, Target
from harness.traffic import exactly
from testhost import Host, Network, why_impossible

ENOUGH_BYTES = 4 << 20
RELAY = """relay:
  listen: [ "wss://0.0.0.0:443" ]
  streams-per-home: 16384
  probe-interval: 0s
"""
HOME = """home:
  name: work-pc
  relay: wss://10.78.0.1
  allow: [ "127.0.0.1:*" ]
"""


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--restarts", type=int, default=2, help="of each of the two")
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--idle", type=int, default=500, help="connections that are open beside")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    return parser.parse_args()


def property_of(host, name):
    return host.run("systemctl", "show", "-p", name, "--value", "relayd").stdout.strip()


class Machines:
    """A relay and a home, each a booted machine with relayd as its service."""

    def __init__(self, build, network, relay, home):
        self.network, self.relay, self.home = network, relay, home
        for host, settings in ((relay, RELAY), (home, HOME)):
            subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir",
                            host.layer], check=True, stdout=subprocess.DEVNULL)
            host.write("/etc/relayd/relayd.yaml", settings)
            # Hosts of a test may not have more.
            host.write("/etc/systemd/system/relayd.service.d/test.conf",
                       "[Service]\nLimitNOFILE=20000\n")
            # Images of containers forbid packages to restart services.
            host.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n", 0o755)
            host.boot()
            host.run("systemd-sysusers")
        relay.run("systemctl", "enable", "--now", "relayd.socket", "relayd")
        key = home.run("relayd", "key", "show").stdout.splitlines()
        relay.run("relayctl", "home", "add", "work-pc", key[0])
        home.run("systemctl", "enable", "--now", "relayd")
        self.wait_for_session()

    def session(self):
        lines = self.relay.run("relayctl", "--json", "sessions", check=False).stdout
        return lines if '"attached"' in lines else None

    def wait_for_session(self):
        return wait_for("the home's session", self.session, 30)



class Pinger:
    """A visitor that says a byte, waits for its echo, and says the next."""

    def __init__(self, connection):
        self._connection = connection
        self._answers = [(time.monotonic(), time.monotonic())]  # Said and answered.
        self.fault = None
        threading.Thread(target=self._run, daemon=True).start()

    def wait_for_answer(self, what):
        """Of something that was said from now on."""
        began = time.monotonic()
        wait_for(what, lambda: self.fault or self._answers[-1][0] > began, 60)
        if self.fault:
            raise self.fault

    def longest_wait(self, since):
        return max(answered - said for said, answered in list(self._answers) if answered > since)

    def _run(self):
        try:
            while True:
                said = time.monotonic()
                self._connection.sendall(b".")
                if self._connection.recv(1) != b".":
                    raise EOFError("the pinger's connection ended")
                self._answers.append((said, time.monotonic()))
        except Exception as fault:  # Raised where somebody waits.
            self.fault = fault


class Gaps:
    """How long a visitor saw nothing."""

    def __init__(self, crowd, pinger):
        self._crowd = crowd
        self._pinger = pinger
        self._seen = {}

    def during(self, what, do, is_done=lambda: True):
        began = time.monotonic()
        do()
        wait_for(what, is_done, 60)
        self._pinger.wait_for_answer(f"an answer after {what}")
        before = self._crowd.moved()
        wait_for(f"bytes after {what}",
                 lambda: self._crowd.moved() >= before + min(ENOUGH_BYTES * self._crowd.count, 1 << 26), 60)
        assert not self._crowd.broken(), (what, self._crowd.broken())
        self._seen.setdefault(what, []).append(self._pinger.longest_wait(began))

    def show(self):
        print("how long a visitor waited for the answer to a byte, in ms:")
        for what, times in self._seen.items():
            times.sort()
            print(f"  {what}: {len(times)} times, p50 {1000 * times[len(times) // 2]:.0f}, "
                  f"p99 {1000 * times[len(times) * 99 // 100]:.0f}, most {1000 * times[-1]:.0f}")


def kill_in_turn(machines, crowd, gaps, kills, chance):
    for number in range(kills):
        goal = crowd.moved() + chance.randrange(ENOUGH_BYTES)
        wait_for("a random moment", lambda least=goal: crowd.moved() >= least, 60)
        host = machines.home if number % 2 else machines.relay
        killed = property_of(host, "MainPID")
        gaps.during(f"kill -9 of the {host.name}", lambda: host.run("kill", "-KILL", killed),
                    lambda: property_of(host, "MainPID") not in (killed, "0"))


def package(scene, build):
    """A package with another build of relayd, that restarts the service as Debian's helpers do."""
    root = scene.path("package", "DEBIAN", "control").parent.parent
    (root / "DEBIAN/control").write_text(
        "Package: relayd-test\nVersion: 99\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\n"
        "Description: relayd, another build\n")
    script = root / "DEBIAN/postinst"
    script.write_text("#!/bin/sh\nset -e\nsystemctl --system daemon-reload\n"
                      "deb-systemd-invoke restart relayd.service\n")
    script.chmod(0o755)
    (root / "DEBIAN").chmod(0o755)
    (root / "usr/sbin").mkdir(parents=True)
    program = root / "usr/sbin/relayd"
    program.write_bytes((build / "daemon/relayd").read_bytes() + b"another build")
    program.chmod(0o755)
    file = scene.path("relayd-test.deb")
    run("dpkg-deb", "--build", "--root-owner-group", "-Znone", root, file)
    return file


def place(host, file):
    there = pathlib.Path("/root") / file.name
    host.write_now(there, file.read_bytes())
    return there


def upgrade(host, file):
    before = property_of(host, "MainPID")
    host.run("apt-get", "install", "--yes", str(file))
    assert property_of(host, "MainPID") != before
    tail = host.run("tail", "-c", "13", f"/proc/{property_of(host, 'MainPID')}/exe")
    assert tail.stdout == "another build", tail


def change_the_unit(host):
    host.run("sh", "-c", "printf '[Service]\\nWatchdogSec=20s\\n' "
             "> /etc/systemd/system/relayd.service.d/changed.conf")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "relayd")
    assert property_of(host, "WatchdogUSec") == "20s"


def break_and_mend_the_settings(host):
    host.run("sh", "-c", "cp /etc/relayd/relayd.yaml /root/right.yaml; "
             "echo 'relay: { lisen: [] }' > /etc/relayd/relayd.yaml")
    host.run("systemctl", "restart", "--no-block", "relayd")
    wait_for("what is wrong with the settings", lambda: "relayd.yaml:1:" in host.run(
        "journalctl", "-b", "-u", "relayd", "-o", "cat").stdout)
    host.run("cp", "/root/right.yaml", "/etc/relayd/relayd.yaml")


def must_speak(connections):
    words = [f"are you there, {number}?".encode() for number in range(len(connections))]
    for connection, word in zip(connections, words):
        connection.sendall(word)
    for number, (connection, word) in enumerate(zip(connections, words)):
        answer = exactly(connection, len(word))
        assert answer == word, (number, answer)


def echo(connection):
    connection.settimeout(None)  # Idle for as long as all takes.
    while part := connection.recv(4096):
        connection.sendall(part)


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    wish = options()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # Both ends of all connections are ours.
    print(f"seed {wish.seed}", flush=True)
    with Scene() as scene, Network("relay", "home") as network, \
            Host("relay", network) as relay, Host("home", network) as home:
        machines = Machines(wish.build.resolve(), network, relay, home)
        try:
            run_steps(scene, wish, machines)
        except BaseException:
            for host in (relay, home):
                print(host.run("journalctl", "-b", "-u", "relayd", "-o", "short-precise").stdout[-9000:])
            raise


def run_steps(scene, wish, machines):
    relay, home = machines.relay, machines.home
    crowd = Crowd(wish.streams)
    with on_host(machines.network, "home"):
        busy, quiet = Target(scene, crowd.serve), Service(scene, echo)
    for target in (busy, quiet):
        relay.run("relayctl", "forward", "add", str(target.port), "--home", "work-pc", "--to",
                  f"127.0.0.1:{target.port}", "--probe", "none")
    session = machines.wait_for_session()
    with on_host(machines.network, "relay"):
        idle = [connect(quiet.port, 60) for _ in range(wish.idle + 1)]
    must_speak(idle)
    crowd.come(busy.port, lambda: on_host(machines.network, "relay"))
    gaps = Gaps(crowd, Pinger(idle.pop()))
    wait_for("busy visitors", lambda: crowd.moved() > ENOUGH_BYTES)

    file = package(scene, wish.build.resolve())
    for host in (relay, home):
        for _ in range(wish.restarts):
            gaps.during(f"systemctl restart of the {host.name}",
                        lambda: host.run("systemctl", "restart", "relayd"))
        gaps.during(f"systemctl reload of the {host.name}",
                    lambda: host.run("systemctl", "reload", "relayd"))
        gaps.during(f"apt install at the {host.name}", lambda: upgrade(host, place(host, file)))
        gaps.during(f"a changed unit of the {host.name}", lambda: change_the_unit(host))
    scene.fact("restarts, reloads, an upgrade and a changed unit: no connection broke")
    before = property_of(relay, "MainPID")
    gaps.during("wrong settings, corrected", lambda: break_and_mend_the_settings(relay),
                lambda: property_of(relay, "MainPID") not in (before, "0") and
                property_of(relay, "ActiveState") == "active")
    scene.fact("wrong settings at a restart are told, and lose no connection")
    kill_in_turn(machines, crowd, gaps, wish.kills, random.Random(wish.seed))
    scene.fact(f"{wish.kills} times kill -9 in a row: no connection broke")
    must_speak(idle)
    scene.fact(f"{wish.idle} idle connections go on")
    assert [each["id"] for each in sessions_in(machines.wait_for_session())] == \
        [each["id"] for each in sessions_in(session)]
    moved = crowd.leave()
    served = sorted(tuple(reversed(busy.result())) for _ in moved)
    assert served == moved, (served, moved)
    scene.fact(f"{sum(map(sum, moved)) >> 20} MB came as they were sent, none lost, none doubled")
    for host in (relay, home):
        assert property_of(host, "NFileDescriptorStore") == "3"
    gaps.show()


def sessions_in(text):
    return json.loads(text)["sessions"]


if __name__ == "__main__":
    main()
