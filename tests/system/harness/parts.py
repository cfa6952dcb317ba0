"""Real servers, as a home has them: each starts on a free port of loopback and is asked by none
but the test. Every function returns once its server listens."""

import dataclasses
import pathlib
import pwd
import shutil

from harness.processes import run, wait_for

NGINX = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp;
    fastcgi_temp_path {folder}/tmp; uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
    server {{ listen 127.0.0.1:{plain}; root {root}; }}
    server {{
        listen 127.0.0.1:{tls} ssl http2;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        root {root};
    }}
}}
"""

SSHD = """
Port {port}
ListenAddress {address}
HostKey {folder}/host_ed25519
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/id.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
LogLevel VERBOSE
"""


@dataclasses.dataclass
class SshServer:
    port: int
    folder: pathlib.Path  # Holds id, the private key that may log in.


def sshd(scene, name="sshd", *, address="127.0.0.1", within=()):
    """`within` starts it on another host."""
    port, folder = scene.free_port(), scene.path(name, "sshd_config").parent
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    for key in ("host_ed25519", "id"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key)
    (folder / "sshd_config").write_text(SSHD.format(port=port, address=address, folder=folder))
    server = scene.start(name, *within, "/usr/sbin/sshd", "-D", "-e", "-f", folder / "sshd_config")
    scene.wait_for_port(port, server, within=within)
    return SshServer(port, folder)


@dataclasses.dataclass
class WebServer:
    plain_port: int
    tls_port: int
    root: pathlib.Path
    certificate: pathlib.Path


def make_certificate(folder, *addresses):
    """A key and a self-signed certificate for localhost, 127.0.0.1 and others: key.pem, cert.pem."""
    names = ",".join(["DNS:localhost", *(f"IP:{each}" for each in ("127.0.0.1", *addresses))])
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
        "-subj", "/CN=localhost", "-addext", f"subjectAltName={names}",
        "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    return folder / "cert.pem", folder / "key.pem"


def nginx(scene):
    """HTTP/1.1 in plain text, and HTTP/2 over TLS; both serve the same folder."""
    folder, root = scene.path("nginx", "nginx.conf").parent, scene.path("nginx", "root", "x").parent
    plain, tls = scene.free_port(), scene.free_port()
    certificate, key = make_certificate(folder)
    (folder / "nginx.conf").write_text(NGINX.format(
        folder=folder, root=root, plain=plain, tls=tls, certificate=certificate, key=key))
    server = scene.start("nginx", "nginx", "-p", folder, "-c", folder / "nginx.conf")
    scene.wait_for_port(plain, server)
    scene.wait_for_port(tls, server)
    return WebServer(plain, tls, root, certificate)


def python_http(scene, root):
    """The port of Python's own web server: HTTP/1.0, a connection for each request."""
    port = scene.free_port()
    server = scene.start("http", "python3", "-m", "http.server", port, "--bind", "127.0.0.1",
                         "--directory", root)
    scene.wait_for_port(port, server)
    return port


class Tinyproxy:
    """An HTTP proxy that lets CONNECT through; `lines` are more of its configuration."""

    def __init__(self, scene, name, *lines):
        self.port, self.log = scene.free_port(), scene.path(name, "log")
        nobody = pwd.getpwnam("nobody")
        self.log.touch()
        shutil.chown(self.log, nobody.pw_uid, nobody.pw_gid)
        config = scene.path(name, "tinyproxy.conf")
        config.write_text("\n".join([
            "User nobody", "Group nogroup", f"Port {self.port}", "Listen 127.0.0.1", "Timeout 600",
            f'LogFile "{self.log}"', "MaxClients 20", "Allow 127.0.0.1", *lines, ""]))
        self._start = lambda: scene.start(name, "tinyproxy", "-d", "-c", config)
        self._process = self._start()
        scene.wait_for_port(self.port, self._process)

    def restart(self):
        self._process.kill()
        self._process = self._start()


def redis_socket(scene):
    """Where redis() listens as well."""
    return scene.path("redis", "redis.sock")


def redis(scene):
    port, folder = scene.free_port(), scene.path("redis", "x").parent
    server = scene.start("redis", "redis-server", "--port", port, "--bind", "127.0.0.1",
                         "--unixsocket", redis_socket(scene),
                         "--save", "", "--appendonly", "no", "--dir", folder)
    scene.wait_for_port(port, server)
    return port


def postgres_socket(scene, port):
    """Where postgres() listens as well."""
    return scene.path("postgres", f".s.PGSQL.{port}")


def _postgres_programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        raise RuntimeError("PostgreSQL's server is not installed")
    return found[-1].parent


def postgres(scene):
    """A new cluster of user postgres, who may log in without a password."""
    programs, port = _postgres_programs(), scene.free_port()
    folder = scene.path("postgres", "x").parent
    owner = pwd.getpwnam("postgres")
    shutil.chown(folder, owner.pw_uid, owner.pw_gid)
    as_owner = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    run(*as_owner, programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres",
        "--no-sync", "--locale=C.UTF-8", cwd=folder)
    server = scene.start(
        "postgres", *as_owner, programs / "postgres", "-D", folder / "data", "-p", port,
        "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}",
        "-c", "fsync=off", cwd=folder)
    scene.wait_for_port(port, server)
    wait_for("PostgreSQL to accept", lambda: run(
        programs / "pg_isready", "-h", "127.0.0.1", "-p", port, check=False).returncode == 0)
    return port
