"""Real FTP servers and clients. Servers take anonymous users, who may read all and write to incoming/;
each runs from its own configuration, with no word of it about relays."""

import os
import pathlib
import pwd

from harness.processes import run

VSFTPD = """
background=NO
{listen}
listen_port={port}
anonymous_enable=YES
no_anon_password=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_root={root}
anon_umask=022
ftp_username=ftp
ftpd_banner=vsftpd of the test
connect_from_port_20=NO
secure_chroot_dir=/run/vsftpd/empty
vsftpd_log_file={folder}/vsftpd.log
xferlog_enable=YES
log_ftp_protocol=YES
{more}
"""


def make_root(folder):
    """What every server shows: hello.txt, big.bin, tree/ with 60 files, and incoming/."""
    owner = pwd.getpwnam("ftp")
    root = folder / "root"
    (root / "tree").mkdir(parents=True)
    (root / "incoming").mkdir()
    (root / "hello.txt").write_text("hello\n")
    for number in range(60):
        (root / "tree" / f"file{number:02}").write_bytes(os.urandom(1000 + 977 * number))
    os.chown(root / "incoming", owner.pw_uid, owner.pw_gid)
    folder.chmod(0o755)
    root.chmod(0o755)
    return root


PROFTPD = """
ServerType standalone
DefaultAddress {address}
Port {port}
UseIPv6 on
ModulePath {parts}/usr/lib/proftpd
User ftp
Group ftp
PidFile {folder}/pid
ScoreboardFile {folder}/scoreboard
DelayTable none
WtmpLog off
SystemLog {folder}/log
AuthPAM off
RequireValidShell off
MaxInstances 200
DisplayConnect {folder}/banner
<Anonymous {root}>
  User ftp
  Group ftp
  UserAlias anonymous ftp
  AllowOverwrite on
  <Limit LOGIN>
    AllowAll
  </Limit>
</Anonymous>
{more}
"""

# Whoever takes one of these lines for a reply is lost.
TRAP = """Line one
 227 Entering Passive Mode (1,2,3,4,5,6).
227 Entering Passive Mode (1,2,3,4,5,6).
 220 not the end
"""


class FtpServer:
    """Listens on `address`, of the host that `within` starts commands on."""

    def __init__(self, scene, name, address, within):
        self.scene, self.name, self.address, self.within = scene, name, address, within
        self.port = scene.free_port()
        self.folder = scene.path(f"{name}-{self.port}", "x").parent
        self.root = make_root(self.folder)

    @property
    def place(self):
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def _start(self, *command):
        self.process = self.scene.start(self.name, *self.within, *command)
        self.scene.wait_for_port(self.port, self.process, within=self.within)
        return self

    @classmethod
    def vsftpd(cls, scene, address="127.0.0.1", within=(), more=""):
        server = cls(scene, "vsftpd", address, within)
        # It takes no IPv6 address to listen on but all of them.
        listen = f"listen=YES\nlisten_address={address}"
        if ":" in address:
            listen = "listen=NO\nlisten_ipv6=YES"
        pathlib.Path("/run/vsftpd/empty").mkdir(parents=True, exist_ok=True)
        file = server.folder / "vsftpd.conf"
        file.write_text(VSFTPD.format(listen=listen, port=server.port, root=server.root,
                                      folder=server.folder, more=more))
        return server._start("vsftpd", file)

    @classmethod
    def proftpd(cls, scene, parts, address="127.0.0.1", within=(), more=""):
        """`parts`: where the package's files lie."""
        server = cls(scene, "proftpd", address, within)
        (server.folder / "banner").write_text(TRAP)
        file = server.folder / "proftpd.conf"
        file.write_text(PROFTPD.format(address=address, port=server.port, root=server.root,
                                       folder=server.folder, parts=parts, more=more))
        file.chmod(0o644)
        libraries = next((parts / "usr/lib").glob("*-linux-gnu"), parts)
        return server._start("env", f"LD_LIBRARY_PATH={libraries}", parts / "usr/sbin/proftpd",
                             "-n", "-q", "-c", file)

    @classmethod
    def pureftpd(cls, scene, parts, address="127.0.0.1", within=()):
        server = cls(scene, "pure-ftpd", address, within)
        # Its anonymous users are shown the home of the user ftp.
        return server._start(
            "unshare", "-m", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', server.root,
            pwd.getpwnam("ftp").pw_dir, parts / "usr/sbin/pure-ftpd", "-S", f"{address},{server.port}",
            "-e", "-M", "-c", "200", "-C", "200", "-H")


def unpacked(scene, *packages):
    """Where the files of these packages lie: they cannot be installed beside one another."""
    folder = scene.path("packages", "x").parent
    parts = folder / "parts"
    for package in packages:
        run("apt-get", "download", package, cwd=folder, seconds=120)
    for file in folder.glob("*.deb"):
        run("dpkg", "-x", file, parts)
    return parts


def curl(within, place, path, *options, seconds=120, check=True, scheme="ftp"):
    """`place` is a host and a port."""
    return run(*within, "curl", "-sS", "--globoff", "--max-time", str(seconds), *options,
               f"{scheme}://{place[0]}:{place[1]}/{path}", seconds=seconds + 10, check=check)


def lftp(within, place, script, *settings, seconds=120, check=True):
    lines = ["set net:max-retries 1", "set net:timeout 20", "set ftp:ssl-allow no", *settings,
             f"open ftp://{place[0]}:{place[1]}", script]
    return run(*within, "lftp", "--norc", "-c", "; ".join(lines), seconds=seconds, check=check)


def tnftp(within, host, port, script, seconds=120):
    """Lines for it to do, after it has logged in."""
    return run(*within, "tnftp", "-n", "-v", host.strip("[]"), str(port), seconds=seconds, check=False,
               stdin=None, input="user anonymous x\nbinary\n" + script + "\nquit\n")
