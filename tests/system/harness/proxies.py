"""Real proxies, each on a port of its own. `within` starts a command on another host."""

import hashlib
import pwd
import shutil

from harness.parts import make_certificate
from harness.processes import run

USER, PASSWORD = "alice", "s3cret"
REALM = "relay"

SQUID = """
{listen}
visible_hostname squidtest
pid_filename {folder}/squid.pid
cache_log {folder}/cache.log
logformat shown %rm %ru %>Hs %{{User-Agent}}>h %{{X-Token}}>h
access_log stdio:{folder}/access.log shown
coredump_dir {folder}
cache deny all
shutdown_lifetime 0 seconds
{rules}
http_access deny all
"""


class _Proxy:
    def __init__(self, scene, name, within):
        self.scene, self.name, self.within = scene, name, within
        self.port = scene.free_port()
        self.folder = scene.path(name, "x").parent
        self._process = None

    def restart(self):
        """Killed, so that its connections are gone at once."""
        self._process.kill()
        self._start()

    def stop(self):
        self._process.kill()

    def _run(self, *command):
        self._process = self.scene.start(self.name, *self.within, *command)
        self.scene.wait_for_port(self.port, self._process, within=self.within)


class Squid(_Proxy):
    """`scheme` is how it wants to know its users: "basic", "digest", "ntlm", or None; `tls_at`
    an address of its own, on which it wants to be spoken to in TLS."""

    def __init__(self, scene, name, scheme=None, *, tls_at=None, within=()):
        super().__init__(scene, name, within)
        listen = f"http_port {self.port}"
        if tls_at:
            self.certificate, key = make_certificate(self.folder, tls_at)
            listen = f"https_port {self.port} tls-cert={self.certificate} tls-key={key}"
        (self.folder / "squid.conf").write_text(SQUID.format(
            folder=self.folder, listen=listen, rules=self._rules(scheme)))
        owner = pwd.getpwnam("proxy")
        for path in (self.folder, *self.folder.iterdir()):
            shutil.chown(path, owner.pw_uid, owner.pw_gid)
        self.folder.chmod(0o755)
        self._start()

    def log(self):
        return (self.folder / "access.log").read_text()

    def _start(self):
        self.folder.joinpath("squid.pid").unlink(missing_ok=True)
        self._run("squid", "-N", "-n", self.name.replace("-", ""), "-f", self.folder / "squid.conf")

    def _rules(self, scheme):
        if scheme is None:
            return "http_access allow all"
        secrets = self.folder / "secrets"
        if scheme == "basic":
            hashed = run("openssl", "passwd", "-apr1", PASSWORD).stdout.strip()
            secrets.write_text(f"{USER}:{hashed}\n")
            helper = f"/usr/lib/squid/basic_ncsa_auth {secrets}"
        elif scheme == "digest":
            text = f"{USER}:{REALM}:{PASSWORD}"
            secrets.write_text(f"{USER}:{REALM}:{hashlib.md5(text.encode()).hexdigest()}\n")
            helper = f"/usr/lib/squid/digest_file_auth -c {secrets}"
        else:
            helper = "/usr/lib/squid/ntlm_fake_auth"  # Speaks the protocol, and believes everybody.
        lines = [f"auth_param {scheme} program {helper}", f"auth_param {scheme} children 2"]
        if scheme != "ntlm":
            lines.append(f"auth_param {scheme} realm {REALM}")
        return "\n".join([*lines, "acl authed proxy_auth REQUIRED", "http_access allow authed"])


class Socks(_Proxy):
    """SOCKS5, for everybody, or with a user and a password."""

    def __init__(self, scene, name, *, closed=False, within=()):
        super().__init__(scene, name, within)
        self._options = ["-u", USER, "-P", PASSWORD] if closed else []
        self._start()

    def _start(self):
        self._run("microsocks", "-i", "0.0.0.0", "-p", self.port, *self._options)


class PlainSquid(Squid):
    """GET and POST of plain http alone; `body_most` as squid writes sizes: "16 KB"; `scheme` as Squid
    has it, but for None: everybody."""

    def __init__(self, scene, name, scheme=None, *, body_most=None, within=()):
        self._body_most = body_most
        super().__init__(scene, name, scheme, within=within)

    def _rules(self, scheme):
        users = super()._rules(scheme).splitlines()
        lines = ["acl CONNECT method CONNECT", "acl plain method GET POST", "http_access deny CONNECT",
                 "http_access deny !plain", *users]
        if self._body_most:
            lines.append(f"request_body_max_size {self._body_most}")
        return "\n".join(lines)


class Tinyproxy(_Proxy):
    """GET and POST: CONNECT is for port 0 alone."""

    def __init__(self, scene, name, within=()):
        super().__init__(scene, name, within)
        (self.folder / "tinyproxy.conf").write_text(
            f"Port {self.port}\nListen 0.0.0.0\nTimeout 600\nMaxClients 100\nConnectPort 0\n"
            f'LogFile "{self.folder}/log"\nPidFile "{self.folder}/pid"\nLogLevel Warning\n')
        self._start()

    def _start(self):
        self._run("tinyproxy", "-d", "-c", self.folder / "tinyproxy.conf")


NGINX = """
daemon off; user root; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/answers;
    server {{
        listen {listen}; {certificate}
        location / {{ proxy_pass http://{relay}; }}
    }}
}}
"""


class Nginx(_Proxy):
    """A web server in front of `relay`, with its defaults: it buffers requests and answers."""

    def __init__(self, scene, name, relay, *, tls=False, within=()):
        super().__init__(scene, name, within)
        certificate = ""
        if tls:
            file, key = make_certificate(self.folder)
            certificate = f"ssl_certificate {file}; ssl_certificate_key {key};"
        (self.folder / "nginx.conf").write_text(NGINX.format(
            folder=self.folder, listen=f"{self.port}{' ssl' if tls else ''}", certificate=certificate,
            relay=relay))
        self._start()

    def _start(self):
        self._run("nginx", "-p", self.folder, "-c", self.folder / "nginx.conf")
