"""sshd where the relay would be, and `ssh -R` at home."""

import pathlib
import shutil

from harness.processes import run
from rigs.rig import LOOPBACK, Rig

SSHD = """
Port {port}
ListenAddress {address}
HostKey {folder}/host_ed25519
PidFile none
AuthorizedKeysFile {folder}/id.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding yes
LogLevel ERROR
"""
CLIENT = ("-N", "-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
          "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
          "-o", "ExitOnForwardFailure=yes", "-o", "LogLevel=ERROR")


def with_aes128_gcm(scene, target_port, place=LOOPBACK):
    return _tunnel(scene, target_port, place, "ssh -R aes128-gcm", "-c", "aes128-gcm@openssh.com")


def with_default_cipher(scene, target_port, place=LOOPBACK):
    return _tunnel(scene, target_port, place, "ssh -R default")


def _tunnel(scene, target_port, place, title, *options):
    server_port, port = scene.free_port(), scene.free_port()
    folder = scene.path(f"ssh-{server_port}", "sshd_config").parent
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host_ed25519", "id"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
    (folder / "sshd_config").write_text(
        SSHD.format(port=server_port, address=place.relay_address, folder=folder))
    server = scene.start("sshd", *place.relay, "/usr/sbin/sshd", "-D", "-e",
                         "-f", folder / "sshd_config")
    scene.wait_for_port(server_port, server, within=place.relay)
    client = scene.start(
        "ssh", *place.home, shutil.which("ssh"), *CLIENT, *options, "-i", folder / "id",
        "-p", server_port, "-R", f"127.0.0.1:{port}:127.0.0.1:{target_port}", place.relay_address)
    scene.wait_for_port(port, client, within=place.relay)
    return Rig(title, port, [server], [client], carrier_port=server_port)
