"""A rig: the processes between visitors and the target."""

import dataclasses
import shutil

from harness.processes import run

# What a rig needs, by the beginning of its name: program and Debian package.
PROGRAMS = {
    "haproxy": {"haproxy": "haproxy"},
    "socat": {"socat": "socat"},
    "ssh": {"ssh": "openssh-client", "/usr/sbin/sshd": "openssh-server"},
    "stunnel": {"stunnel4": "stunnel4"},
}


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the two sides of a rig run. The words start a command on that side's host."""

    relay: tuple = ()
    home: tuple = ()
    relay_address: str = "127.0.0.1"
    home_address: str = "127.0.0.1"


LOOPBACK = Place()


@dataclasses.dataclass
class Rig:
    """`relay` and `home` are the first process of each side; what those start belongs to the side.
    Visitors beside the relay reach the target at `host` and `port`. `carrier_port` is where the home
    reaches the relay, if all streams share one connection."""

    title: str
    port: int
    relay: list = dataclasses.field(default_factory=list)
    home: list = dataclasses.field(default_factory=list)
    host: str = "127.0.0.1"
    carrier_port: int | None = None

    def sides(self):
        return {"relay": self.relay, "home": self.home}

    def processes(self):
        return [*self.relay, *self.home]

    def stop(self):
        for process in reversed(self.processes()):
            process.stop()


def missing_programs(names):
    """The Debian packages that the rigs of these names need and have not."""
    needed = {program: package for name in names
              for program, package in PROGRAMS.get(name.split("-")[0], {}).items()}
    return sorted({package for program, package in needed.items() if not shutil.which(program)})


def make_certificate(folder):
    """cert.pem and key.pem, and both in pair.pem. P-256, the cheapest to shake hands with."""
    folder.mkdir(parents=True, exist_ok=True)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "30", "-subj", "/CN=localhost", "-keyout", folder / "key.pem",
        "-out", folder / "cert.pem")
    (folder / "pair.pem").write_text(
        (folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return folder / "pair.pem"
