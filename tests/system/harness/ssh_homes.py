"""Homes with nothing but an ssh client, and a booted machine with the real sshd that they dial."""

import itertools
import pathlib
import shlex
import subprocess
import sys

from harness.processes import wait_for

# An RDP server that asks for TLS ([MS-RDPBCGR] 2.2.1.2.1), or, told so by a file, one that hangs up.
DESKTOP = """
import os, socket, sys, threading
def serve(peer):
    with peer:
        if os.path.exists(sys.argv[2]):
            return
        if peer.recv(1000)[:1] == b"\\x03":
            peer.sendall(bytes.fromhex("030000130ed000001234000200080001000000"))
        while part := peer.recv(1000):
            peer.sendall(part)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
SSHD = """
GatewayPorts no
UsePAM yes
PasswordAuthentication no
"""
LOGIND = ("systemd-logind.service", "dbus-org.freedesktop.login1.service")


def prepare(host, logind):
    """Before the boot: the real sshd, with or without login sessions."""
    host.write("/etc/ssh/sshd_config.d/test.conf", SSHD)
    # Without the second, only root may log in.
    host.unmask("ssh.service", "systemd-user-sessions.service", *(LOGIND if logind else ()))
    wants = host.layer / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "ssh.service").symlink_to("/lib/systemd/system/ssh.service")
    if not logind:
        for unit in LOGIND:
            mask = host.layer / "etc/systemd/system" / unit
            if not mask.is_symlink():
                mask.symlink_to("/dev/null")


class SshHomes:
    """Clients in the namespaces of the network, users on the host."""

    def __init__(self, scene, network, host):
        self._scene, self._network, self.host = scene, network, host
        self._numbers = itertools.count()
        self.key = scene.path("keys", "id_ed25519")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)

    def add_user(self, name):
        home = pathlib.Path("/root" if name == "root" else f"/home/{name}")
        if name != "root":
            self.host.run("useradd", "--create-home", "--shell", "/bin/bash", name)
        self.host.run("mkdir", "-p", "-m", "700", home / ".ssh")
        self.host.write_now(home / ".ssh/authorized_keys", (self.key.with_suffix(".pub")).read_bytes())
        self.host.run("chown", "-R", f"{name}:{name}", home / ".ssh")

    def desktop(self, at, port):
        """A target at a home. Returns the file that makes it hang up."""
        sick = self._scene.path(f"sick-{at}-{port}")
        server = self._scene.start(f"desktop-{at}-{port}", *self._network.inside(
            at, sys.executable, "-c", DESKTOP, str(port), sick))
        self._scene.wait_for_port(port, server, within=self._network.inside(at))
        return sick

    def command(self, user, *words, remote=()):
        """The words of an ssh client's command line."""
        return ["ssh", "-F", "none", "-n", "-i", str(self.key), "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10", *words,
                f"{user}@{self._network.addresses[self.host.name]}", *remote]

    def dial(self, at, user, *words, remote=()):
        """One ssh session."""
        return self._scene.start(f"ssh-{next(self._numbers)}-{user}-{at}", *self._network.inside(
            at, *self.command(user, *words, remote=remote)))

    def loop(self, at, user, *words, remote=(), first=()):
        """The batch file: comes again and again. `first`: what it runs before each session."""
        lines = [shlex.join(self.command(user, *words, remote=remote))]
        if first:
            lines.insert(0, shlex.join(self.command(user, remote=first)) + " || continue")
        script = "while :; do {}; echo \"again after $?\"; sleep 0.5; done".format("; ".join(lines))
        return self._scene.start(f"loop-{next(self._numbers)}-{user}-{at}",
                                 *self._network.inside(at, "sh", "-c", script))

    def vanish(self, at, client):
        """Takes a home off the network for good, and its client with it: nothing is said to sshd."""
        subprocess.run(["ip", "-n", self._network.namespaces[at], "link", "set", "eth0", "down"], check=True)
        client.kill()

    def as_user(self, user, *words, check=True):
        return self.host.run("runuser", "-u", user, "--", *words, check=check)

    def holders(self, port):
        """What ss of the host tells about who listens there."""
        return self.host.run("ss", "-Hltnp", f"sport = :{port}").stdout

    def wait_for_listener(self, port):
        return wait_for(f"a listener on {port}", lambda: self.holders(port))

    def wait_for_no_listener(self, port):
        wait_for(f"{port} to be free", lambda: not self.holders(port))

    def processes(self, name):
        """Their numbers, of those of this name in the host."""
        done = self.host.run("ps", "-e", "-o", "pid=,comm=")
        rows = (line.split(maxsplit=1) for line in done.stdout.splitlines())
        return [int(pid) for pid, comm in rows if comm.strip() == name]
