#!/usr/bin/env python3
"""Who guesses passwords through a forward is refused for a while: a burst of failed logins at a real SSH
server, from one of several hosts. Others, other forwards and visitors with a key are served as before."""

import socket
import subprocess

from harness import parts
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME, Daemon, build_folder
from testhost import Network

GUESSES = 10  # As the relay's default has it.
HOSTS = ("relay", "home", "guesser", "honest", "trusted")
SETTINGS = """
relay:
  listen: {door}
  guard: {{ always: [ {trusted} ] }}
  homes:
    {home}:
      key: "{key}"
      forwards:
        - {{ listen: "0.0.0.0:{ssh}", to: "{target}" }}
        - {{ listen: "{relay}:{other}", to: "{target}" }}
        - {{ listen: "0.0.0.0:{free}", to: "{target}", guard: no }}
        - {{ listen: "127.0.0.1:{local}", to: "{target}" }}
  visitors:
    alice: {{ key: "{visitor}", may-reach: [ "{home}:*" ] }}
"""


class Street:
    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        self.server = parts.sshd(scene, within=network.inside("home"))
        self.ports = {name: scene.free_port() for name in ("ssh", "other", "free", "local")}
        self.relay = Daemon(scene, "relay", network.inside("relay"))
        home = Daemon(scene, "home", network.inside("home"))
        self.visitor = Daemon(scene, "visitor", network.inside("honest"))
        self.door = f"wss://{network.addresses['relay']}:{scene.free_port()}"
        self.settings = scene.path("relay.yaml")
        self.settings.write_text(SETTINGS.format(
            door=self.door, trusted=network.addresses["trusted"], home=HOME_NAME,
            relay=network.addresses["relay"], key=home.public_key(), visitor=self.visitor.public_key(),
            target=f"127.0.0.1:{self.server.port}", **self.ports))
        self.start_relay()
        home.start("home", self.door, "--name", HOME_NAME, "--allow", f"127.0.0.1:{self.server.port}")
        self.wait_for_home()
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scene.path("guess"))

    def start_relay(self):
        self.relay.start("--config", self.settings)

    def wait_for_home(self):
        wait_for("the home", lambda: any(home["online"] for home in self.relay.ask("home", "list")["homes"]))

    def ssh(self, host, name="ssh", key="guess", address=None):
        """What a login from `host` says, by one of the forwards."""
        folder = self.scene.path("known_hosts").parent
        key = self.server.folder / "id" if key == "id" else folder / key
        return subprocess.run(
            [*self.network.inside(host), "ssh", "-F", "/dev/null", "-i", str(key),
             "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
             "-o", f"UserKnownHostsFile={folder / 'known_hosts'}", "-o", "ConnectTimeout=20",
             "-p", str(self.ports[name]), f"root@{address or self.network.addresses['relay']}",
             "echo", "welcome"], check=False, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)

    def guess(self, host, count=GUESSES, **options):
        for number in range(count):
            done = self.ssh(host, **options)
            assert "Permission denied" in done.stderr, (number, done.stderr)

    def is_served(self, host, **options):
        done = self.ssh(host, key="id", **options)
        return done.stdout == "welcome\n"

    def is_reset(self, host, name="ssh"):
        with on_host(self.network, host):
            place = (self.network.addresses["relay"], self.ports[name])
            try:  # The reset may come before connect() has returned.
                with socket.create_connection(place, timeout=20) as visitor:
                    visitor.recv(1)
                    return False
            except ConnectionResetError:
                return True

    def sources(self):
        return {each["source"]: each for each in self.relay.ask("guard")["sources"]}

    def source_of(self, host):
        return self.sources().get(self.network.addresses[host])


def guesses_are_refused(street):
    scene, source = street.scene, street.network.addresses["guesser"]
    street.guess("guesser")
    wait_for("the source to be refused", lambda: street.source_of("guesser")["refused"])
    assert street.is_reset("guesser") and street.is_reset("guesser", "other")
    scene.fact(f"after {GUESSES} failed logins their source is reset, at another guarded forward, too")
    assert street.is_served("guesser", name="free")
    scene.fact("a forward with `guard: no` lets it in")
    assert street.is_served("honest")
    scene.fact("whoever comes from elsewhere is served")
    listed = street.source_of("guesser")
    assert listed["why"] == "too many brief connections" and 3000 < listed["until_s"] <= 3600, listed
    assert listed["brief_connections"] >= GUESSES and listed["refused_connections"] >= 2, listed
    assert not street.source_of("honest")["refused"]
    shown = street.relay.relayctl("guard").stdout
    assert source in shown and "too many brief connections" in shown, shown
    assert f"connections from {source} look like guesses of passwords: refused for 1h" in street.relay.log()
    scene.fact("relayctl guard lists who is refused and why, and the log has a line")


def a_released_source_is_served(street):
    source = street.network.addresses["guesser"]
    street.relay.relayctl("guard", "release", source)
    assert street.is_served("guesser")
    unknown = street.relay.relayctl("guard", "release", "192.0.2.1", check=False)
    assert unknown.returncode == 1 and "nobody came from 192.0.2.1" in unknown.stderr, unknown.stderr
    street.scene.fact("relayctl guard release lets it in again")


def who_is_exempt(street):
    street.guess("trusted", GUESSES + 3)
    assert street.is_served("trusted") and street.source_of("trusted") is None
    street.scene.fact("an address under `always:` may guess on, and is not listed")
    street.guess("relay", GUESSES + 3, name="local", address="127.0.0.1")
    assert street.is_served("relay", name="local", address="127.0.0.1")
    street.guess("relay", GUESSES + 3, name="other")
    assert street.is_served("relay", name="other")
    assert street.source_of("relay") is None and "127.0.0.1" not in street.sources()
    street.scene.fact("a forward on loopback guards nobody, and the relay's own address is never refused")


def visitors_with_a_key_are_not_counted(street):
    """They come to the forward's listener by a connection of the relay's own."""
    command = [*street.network.inside("honest"), str(build_folder() / "daemon/relayd"), "visit", street.door,
               f"{HOME_NAME}:{street.ports['other']}", "--stdio", "--state-dir", str(street.visitor.state)]
    for _ in range(GUESSES + 3):
        done = subprocess.run(command, input=b"SSH-2.0-probe\r\n", stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False)
        assert done.stdout.startswith(b"SSH-2.0-OpenSSH"), (done.stdout, done.stderr)
    assert street.source_of("relay") is None, street.sources()
    street.scene.fact("visitors with a key come and go as often as they like")


def a_restart_forgets(street):
    street.guess("guesser", GUESSES - 1)  # Its good login was brief, too.
    wait_for("the source to be refused", lambda: street.source_of("guesser")["refused"])
    street.relay.process.stop()
    street.start_relay()
    street.wait_for_home()
    assert street.is_served("guesser")
    street.scene.fact("a restart of the relay forgets who was refused")


def main():
    with Scene() as scene, Network(*HOSTS) as network:
        street = Street(scene, network)
        guesses_are_refused(street)
        a_released_source_is_served(street)
        who_is_exempt(street)
        visitors_with_a_key_are_not_counted(street)
        a_restart_forgets(street)


if __name__ == "__main__":
    main()
