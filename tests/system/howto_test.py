#!/usr/bin/env python3
"""What docs/HOWTO-*.md tell people to type, typed: from a Windows PC's batch file with stock ssh to relayd at
home, with keys that can do what the tables say and nothing else.

usage: howto_test.py BUILD_FOLDER
The commands are taken from the documents; only names, addresses and keys are put in their places.
"""

import contextlib
import pathlib
import re
import shlex
import socket
import sys
import textwrap

from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.ssh_homes import DESKTOP, prepare
from systemd_service_test import install
from testhost import Host, Network, why_impossible

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
RDP_REQUEST = bytes.fromhex("030000130ee000000000000100080003000000")
VISITORS_PORT = 3390


def blocks(document, title):
    """The indented blocks below a heading of a document, as they would be typed."""
    text = (DOCS / document).read_text(encoding="utf-8")
    section = re.split(r"^#+ " + re.escape(title) + r".*$", text, maxsplit=1, flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", section, maxsplit=1, flags=re.MULTILINE)[0]
    return [textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", section, re.MULTILINE)]


def with_word(found, word):
    [block] = [each for each in found if word in each]
    return block


class Vps:
    def __init__(self, scene, network, host):
        self.scene, self.network, self.host = scene, network, host
        self.address = network.addresses["vps"]

    def type(self, block):
        return self.host.run("bash", "-e", "-c", block.replace("vps.example.com", self.address), timeout=120)

    def key(self, name):
        """A key pair outside, and its public line."""
        file = self.scene.path("keys", name)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file)
        return file, file.with_suffix(".pub").read_text().strip()

    def let_in(self, user, line, public):
        """An authorized_keys line of a document, with a real key."""
        assert "ssh-ed25519 AAAA" in line
        line = line[:line.index("ssh-ed25519 AAAA")] + public + "\n"
        self.host.run("install", "-d", "-m", "700", "-o", user, "-g", user, f"/home/{user}/.ssh")
        self.host.write_now(f"/home/{user}/.ssh/authorized_keys", line.encode())
        self.host.run("chown", f"{user}:{user}", f"/home/{user}/.ssh/authorized_keys")

    def wait_for_sshd(self, at):
        """For a moment of its reload nobody listens."""
        def greeted():
            with on_host(self.network, at), contextlib.suppress(OSError), \
                    socket.create_connection((self.address, 22), timeout=10) as visitor:
                return visitor.recv(3)
        wait_for("sshd", greeted)

    def ssh(self, at, key, *words, name, again=False):
        """A process of an ssh client: `words` as a document has them; in a loop, if it comes again."""
        command = ["ssh", "-F", "none", "-n", "-i", str(key), "-o", "UserKnownHostsFile=/dev/null",
                   "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes",
                   *(word.replace("vps.example.com", self.address) for word in words)]
        if again:
            command = ["sh", "-c", f"while :; do {shlex.join(command)}; sleep 0.5; done"]
        return self.scene.start(name, *self.network.inside(at, *command))

    def listeners(self, port):
        return self.host.run("ss", "-Hltn", f"sport = :{port}").stdout.splitlines()


def is_desktop(network, at, port):
    try:
        with on_host(network, at), socket.create_connection(("127.0.0.1", port), timeout=5) as visitor:
            visitor.sendall(RDP_REQUEST)
            return visitor.recv(100)[:1] == b"\x03"
    except OSError:
        return False


def words_of_the_batch_file():
    """Of `ssh` in tunnel.bat, without the options that are about files."""
    found = blocks("HOWTO-rdp-at-home.md", "On the PC, for good")
    line = with_word(found, "@echo off").replace("^\n", " ")
    [command] = [each for each in line.splitlines() if each.strip().startswith("ssh ")]
    words = shlex.split(command.replace("\\", "/"))[1:]
    assert words[:2] == ["-i", "%USERPROFILE%/.ssh/id_tunnel"], words
    return words[2:]


def a_home_with_stock_ssh(vps):
    vps.type(with_word(blocks("HOWTO-rdp-at-home.md", "On the VPS, once, as root"), "adduser"))
    key, public = vps.key("id_tunnel")
    [line] = [each for each in blocks("HOWTO-rdp-at-home.md", "On the PC, once, in a command prompt")
              if each.startswith("restrict")]
    vps.let_in("tun", line, public)
    words = words_of_the_batch_file()
    vps.type(with_word(blocks("HOWTO-from-ssh-to-relayd.md", "1. `relayctl watch`"), "printf"))
    loop = vps.ssh("home", key, *words, name="loop", again=True)
    wait_for("the first verdict", lambda: " ok, RDP" in loop.text())
    wait_for("the home among the sessions",
             lambda: "ssh" in vps.host.run("relayctl", "sessions").stdout)
    vps.scene.fact("tunnel.bat's ssh prints a verdict, and its home is listed")

    other = [word.replace("3389:127", "3391:127") for word in words]
    vps.ssh("home", key, *other, name="other-port").wait(20)
    assert not vps.listeners(3391)
    inward = vps.ssh("home", key, "-N", "-L", "3395:127.0.0.1:22", "tun@vps.example.com", name="inward")
    wait_for("a local listener", lambda: "3395" in run(*vps.network.inside("home", "ss", "-Hltn")).stdout)
    with on_host(vps.network, "home"), socket.create_connection(("127.0.0.1", 3395), timeout=10) as visitor:
        assert visitor.recv(20) == b""
    inward.stop()
    wait_for("the loop to be back", lambda: loop.text().count(" ok, RDP") > 1)
    vps.scene.fact("a home's key opens no other port, reaches no port of the VPS, and runs no other command")
    return loop


def a_visitor(vps):
    vps.type(with_word(blocks("HOWTO-keys.md", "Visitors"), "adduser"))
    key, public = vps.key("id_visitor")
    [line] = [each for each in blocks("HOWTO-keys.md", "Visitors") if each.startswith("restrict")]
    vps.let_in("visit", line, public)
    words = shlex.split(with_word(blocks("HOWTO-rdp-at-home.md", "Visit"), "ssh -N"))[1:]
    vps.wait_for_sshd("visitor")
    visitor = vps.ssh("visitor", key, *words, name="visitor")
    wait_for("the desktop", lambda: is_desktop(vps.network, "visitor", VISITORS_PORT))
    vps.scene.fact("a visitor reaches the desktop")
    shell = vps.ssh("visitor", key, "visit@vps.example.com", "id", name="shell")
    assert shell.wait(20) != 0 and "uid=" not in shell.text(), shell.text()
    backwards = vps.ssh("visitor", key, "-o", "ExitOnForwardFailure=yes", "-N", "-R", "3396:127.0.0.1:1",
                        "visit@vps.example.com", name="backwards")
    assert backwards.wait(20) != 0
    vps.scene.fact("a visitor's key opens no shell, and no port of the VPS")
    return visitor


def over_to_relayd(vps, home, loop):
    vps.type(with_word(blocks("HOWTO-from-ssh-to-relayd.md", "2. The relay on port 443"), "cat >"))
    found = blocks("HOWTO-from-ssh-to-relayd.md", "3. One home after the other")
    wait_for("relayd", lambda: vps.host.run("relayctl", "status", check=False).returncode == 0)
    wait_for("the loop to be registered again", lambda: "ssh" in vps.host.run("relayctl", "sessions").stdout)
    invited = vps.type(with_word(found, "invite")).stdout.split()
    assert invited[:2] == ["relayd", "join"], invited
    home.run(*invited, "--yes")
    wait_for("the session", lambda: "wss" in vps.host.run("relayctl", "sessions").stdout)
    listed = vps.host.run("relayctl", "forward", "list").stdout
    assert "3389" in listed and "in use" in listed, listed
    vps.scene.fact("a forward whose port ssh still holds is told to wait for it")
    loop.stop()
    wait_for("the desktop, through relayd", lambda: "ok" in vps.host.run(
        "relayctl", "probe", "3389", check=False).stdout)
    wait_for("the visitor's desktop", lambda: is_desktop(vps.network, "visitor", VISITORS_PORT))
    wait_for("no home by ssh any more", lambda: " ssh " not in vps.host.run("relayctl", "sessions").stdout)
    vps.scene.fact("the loop ends, relayd has the port, and the visitor notices nothing")
    vps.type(with_word(blocks("HOWTO-from-ssh-to-relayd.md", "4. An end to the old accounts"), "deluser"))
    vps.scene.fact("the user for homes is gone")


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    with Scene() as scene, Network("vps", "home", "visitor") as network, \
            Host("vps", network) as vps_host, Host("home", network) as home:
        prepare(vps_host, logind=True)
        for host in (vps_host, home):
            install(build, host.layer)
            host.write("/etc/systemd/system/relayd.service.d/test.conf", "[Service]\nLimitNOFILE=20000\n")
            host.boot()
            host.run("systemd-sysusers")
        desktop = scene.start("desktop", *network.inside(
            "home", sys.executable, "-c", DESKTOP, "3389", scene.path("sick")))
        scene.wait_for_port(3389, desktop, within=network.inside("home"))
        vps = Vps(scene, network, vps_host)
        try:
            loop = a_home_with_stock_ssh(vps)
            visitor = a_visitor(vps)
            over_to_relayd(vps, home, loop)
            visitor.stop()
        except BaseException:
            for host in (vps_host, home):
                print(host.run("journalctl", "-b", "-u", "relayd", "-u", "ssh", "-o", "short-precise").stdout[-6000:])
            raise


if __name__ == "__main__":
    main()
