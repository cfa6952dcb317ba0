"""Remote desktops without a screen: an X server in memory, a window manager and a terminal on it,
and one of two RDP servers that show it."""

import dataclasses
import os
import pathlib
import subprocess

from harness.parts import make_certificate
from harness.processes import run, wait_for

USER, PASSWORD = "rdpuser", "secret"
NT_HASH_OF_PASSWORD = "878d8014606cda29677a44efa1353fc7"  # MD4 of it in UTF-16LE.
VNC_PASSWORD = "secret1"
TERMINAL = "relay-terminal"

XRDP = """
[Globals]
ini_version=1
fork=true
port=tcp://127.0.0.1:{port}
tcp_nodelay=true
tcp_keepalive=true
security_layer=negotiate
crypt_level=high
certificate={certificate}
key_file={key}
ssl_protocols=TLSv1.2, TLSv1.3
autorun=vnc
allow_channels=true
bitmap_cache=true
bitmap_compression=true
bulk_compression=true
max_bpp=32
new_cursors=true
use_fastpath=both
[Logging]
LogFile={folder}/xrdp.log
LogLevel=INFO
EnableSyslog=false
[Channels]
drdynvc=true
cliprdr=true
[vnc]
name=vnc
lib=libvnc.so
ip=127.0.0.1
port={vnc_port}
username=na
password={vnc_password}
"""


@dataclasses.dataclass
class Desktop:
    port: int            # Of RDP.
    environment: dict    # With DISPLAY and HOME.
    typed: pathlib.Path  # What was typed into its terminal, a line at a time.

    def focus_terminal(self):
        """What a visitor types goes to the terminal from now on."""
        window = wait_for("the terminal's window", lambda: run(
            "xdotool", "search", "--name", f"^{TERMINAL}$", env=self.environment,
            check=False).stdout.split())[0]
        run("xdotool", "windowactivate", "--sync", window, env=self.environment)


def start_display(scene, name, server, *options):
    """An X server on a free display number; returns the environment its clients need."""
    home = scene.path(name, "home", "x").parent
    number = scene.path(name, "display")
    # It writes its number to the descriptor once it takes clients. Without -noreset it would close
    # and open again whenever its last client leaves.
    with open(number, "wb") as answer:
        process = scene.start(f"{name}-{server}", server, "-noreset", "-displayfd", answer.fileno(),
                              *options, pass_fds=[answer.fileno()])

    def written():
        if not process.running():
            raise RuntimeError(f"{server} ended with {process.wait(0)}")
        return number.read_text().endswith("\n") and number.read_text().strip()
    display = wait_for(server, written)
    return {**os.environ, "DISPLAY": f":{display}", "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config")}


def _furnish(scene, name, environment):
    """A window manager, and a terminal that keeps what is typed in a file; returns that file."""
    typed = scene.path(name, "typed")
    scene.start(f"{name}-icewm", "icewm", env=environment)
    scene.start(f"{name}-xterm", "xterm", "-T", TERMINAL, "-geometry", "80x24+60+60",
                "-fa", "Monospace", "-fs", "14", "-e",
                "sh", "-c", f"echo HOME-HOST DESKTOP; date; exec cat > {typed}", env=environment)
    wait_for("the terminal", typed.exists)
    return typed


def freerdp_shadow(scene, name="shadow", nla=False):
    """FreeRDP's own server: with a password and NLA, or with neither."""
    environment = start_display(scene, name, "Xvfb", "-screen", "0", "1024x768x24",
                                "-nolisten", "tcp", "-ac")
    typed, port = _furnish(scene, name, environment), scene.free_port()
    security = ["-auth"]
    if nla:
        users = scene.path(name, "sam")
        users.write_text(f"{USER}:::{NT_HASH_OF_PASSWORD}:::\n")
        security = ["/sec:nla", f"/sam-file:{users}", "+auth"]
    server = scene.start(name, "freerdp-shadow-cli", f"/port:{port}", "/bind-address:127.0.0.1",
                         *security, env=environment)
    scene.wait_for_port(port, server)
    return Desktop(port, environment, typed)


def xrdp(scene, name="xrdp"):
    """xrdp in front of a VNC server: another implementation, with other habits on the wire."""
    folder = scene.path(name, "x").parent
    password, vnc_port, port = folder / "passwd", scene.free_port(), scene.free_port()
    with open(password, "wb") as output:
        subprocess.run(["tigervncpasswd", "-f"], input=f"{VNC_PASSWORD}\n".encode(), stdout=output,
                       check=True)
    environment = start_display(scene, name, "Xtigervnc", "-geometry", "1024x768", "-depth", "24",
                                "-rfbport", vnc_port, "-localhost", "-rfbauth", password,
                                "-SecurityTypes", "VncAuth")
    typed = _furnish(scene, name, environment)
    certificate, key = make_certificate(folder)
    (folder / "xrdp.ini").write_text(XRDP.format(
        port=port, certificate=certificate, key=key, folder=folder, vnc_port=vnc_port,
        vnc_password=VNC_PASSWORD))
    server = scene.start(name, "xrdp", "--nodaemon", "--config", folder / "xrdp.ini",
                         env=environment)
    scene.wait_for_port(port, server)
    return Desktop(port, environment, typed)
