#!/usr/bin/env python3
"""A relay with a configuration file: reloading it, refusing a broken one, and what is renewed by probes."""

import os
import re
import signal
import socket

from harness.clients import connect
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME, Daemon, build_folder
from harness.targets import Target, echo

RENEWAL = "probes failed in a row: renewing the carriers"
BROKEN = """\
relay:
  listen: [ "wss://127.0.0.1:99999" ]
  ping-interval: soon
  homes:
    work-pc:
      forwards: [ 70000 ]
"""


class Configured:
    """A relay that takes everything from a file, and its home."""

    def __init__(self, scene, target):
        self.scene = scene
        self.target = target
        self.file = scene.path("relayd.yaml")
        self.address = f"wss://127.0.0.1:{scene.free_port()}"
        self.home, self.second = Daemon(scene, "home"), Daemon(scene, "second")
        self.forwards = {}  # By the port that listens: the target's port.
        self.homes = {HOME_NAME: self.home}
        self.settings = []
        self.relay = Daemon(scene, "relay")

    def write(self):
        lines = ["relay:", f'  listen: [ "{self.address}" ]', *self.settings, "  homes:"]
        for name, home in self.homes.items():
            lines += [f"    {name}:", f'      key: "{home.public_key()}"']
            if name == HOME_NAME and self.forwards:
                lines.append("      forwards:")
                lines += [f'        - {{ listen: {port}, to: "127.0.0.1:{target}", probe: {probe} }}'
                          for port, (target, probe) in self.forwards.items()]
        self.file.write_text("\n".join(lines) + "\n")

    def add(self, probe="none", target=None):
        port = self.scene.free_port()
        self.forwards[port] = (target or self.target, probe)
        return port

    def listed(self):
        return {int(each["listen"].rpartition(":")[2])
                for each in self.relay.ask("forward", "list")["forwards"]}

    def start_home(self, name, *allowed):
        words = [word for port in allowed for word in ("--allow", f"127.0.0.1:{port}")]
        self.homes[name].start("home", self.address, "--name", name, *words)
        wait_for(f"{name} at the relay", lambda: self.session(name))

    def session(self, name=HOME_NAME):
        return next((each for each in self.relay.ask("sessions")["sessions"]
                     if each["home"] == name and each["state"] == "attached"), None)


def speaks(visitor):
    visitor.sendall(b"still there?")
    return visitor.recv(100) == b"still there?"


def a_reload_changes_what_changed(scene, site, name, reload):
    """One forward stays, with a stream; one goes, but for its stream; one comes."""
    [staying] = site.forwards
    going = site.add()
    site.write()
    site.relay.relayctl("reload")
    wait_for("the forward that will go", lambda: going in site.listed())
    with connect(staying) as friend, connect(going) as guest:
        assert speaks(friend) and speaks(guest)
        session = site.session()["id"]
        del site.forwards[going]
        coming = site.add()
        site.write()
        reload()
        wait_for("the changes", lambda: site.listed() == {staying, coming})
        assert speaks(friend) and speaks(guest) and site.session()["id"] == session
        with connect(coming) as visitor:
            assert speaks(visitor)
        try:
            connect(going).close()
            raise AssertionError("the removed forward still listens")
        except ConnectionRefusedError:
            pass
        del site.forwards[coming]
        site.write()
        reload()
        wait_for("the changes", lambda: site.listed() == {staying})
        assert speaks(friend) and speaks(guest)
    scene.fact(f"{name}: streams live on while a forward comes and one goes, that of the latter too")


def a_home_is_added(scene, site):
    site.homes["second"] = site.second
    site.write()
    shown = site.relay.relayctl("reload").stdout
    assert "second" in shown, shown
    site.start_home("second")
    scene.fact("a home that the file gained gets in, and relayctl reload told of it")


def a_broken_file_changes_nothing(scene, site):
    [staying] = site.forwards
    with connect(staying) as friend:
        assert speaks(friend)
        site.file.write_text(BROKEN)
        refused = site.relay.relayctl("reload", check=False)
        places = set(re.findall(re.escape(str(site.file)) + r":(\d+):\d+:", refused.stderr))
        assert refused.returncode == 1 and {"2", "3", "6"} <= places, refused
        scene.fact("a broken file is refused with file:line:column of each error, exit 1")

        os.kill(site.relay.process.pid, signal.SIGHUP)
        wait_for("the log", lambda: "nothing was changed" in site.relay.log())
        assert f"{site.file}:2:" in site.relay.log()
        assert site.listed() == {staying} and speaks(friend)
        assert {each["name"] for each in site.relay.ask("home", "list")["homes"]} == set(site.homes)
        scene.fact("by SIGHUP too; nothing was changed, and a stream lives on")

    checked = run(build_folder() / "daemon/relayd", "check", site.file, check=False)
    places = set(re.findall(r":(\d+):\d+:", checked.stderr))
    assert checked.returncode == 2 and {"2", "3", "6"} <= places, checked
    scene.fact("relayd check: exit 2, and all errors at once")
    started = run(build_folder() / "daemon/relayd", "--config", site.file, "--state-dir",
                  scene.path("broken", "state"), "--control", scene.path("broken", "socket"),
                  check=False, seconds=10)
    assert started.returncode == 2 and f"{site.file}:2:" in started.stderr, started
    scene.fact("relayd does not start with it: exit 2")
    site.write()
    assert run(build_folder() / "daemon/relayd", "check", site.file).stdout
    site.relay.relayctl("reload")


def probed(site, target):
    """A forward whose target fails its probes, a second apart."""
    site.settings = ["  probe-interval: 1s", "  probe-failures: 3"]
    port = site.add("rdp", target)
    site.write()
    site.relay.relayctl("reload")
    return port


def a_refusing_target_renews_nothing(scene, site, closed):
    port = probed(site, closed)
    refusal = f"127.0.0.1:{closed}: Connection refused"
    wait_for("five probes", lambda: site.home.log().count(refusal) >= 5)
    assert RENEWAL not in site.relay.log()
    scene.fact("a target that refuses is not the tunnel's fault: its failed probes renew nothing")
    del site.forwards[port]


def failed_probes_renew_the_carriers(scene, site, hanging_up):
    [staying] = site.forwards
    before, since = site.session()["id"], site.session()["carriers"][0]["since"]
    with connect(staying) as friend:
        assert speaks(friend)
        probed(site, hanging_up)
        wait_for("the renewal", lambda: f"3 {RENEWAL}" in site.relay.log())

        def renewed():
            session = site.session()
            return session and session["carriers"] and session["carriers"][0]["since"] != since
        wait_for("another carrier", renewed)
        assert site.session()["id"] == before and speaks(friend)
    scene.fact("three failed probes renew the carriers; the session and its stream stay")


def main():
    with Scene() as scene:
        target, closed = Target(scene, echo), scene.free_port()
        hanging_up = Target(scene, socket.socket.close)
        site = Configured(scene, target.port)
        site.add()
        site.write()
        site.relay.start("--config", site.file)
        site.start_home(HOME_NAME, target.port, closed, hanging_up.port)
        a_reload_changes_what_changed(scene, site, "relayctl reload",
                                      lambda: site.relay.relayctl("reload"))
        a_reload_changes_what_changed(scene, site, "SIGHUP", lambda: os.kill(
            site.relay.process.pid, signal.SIGHUP))
        a_home_is_added(scene, site)
        a_broken_file_changes_nothing(scene, site)
        a_refusing_target_renews_nothing(scene, site, closed)
        failed_probes_renew_the_carriers(scene, site, hanging_up.port)


if __name__ == "__main__":
    main()
