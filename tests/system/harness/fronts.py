"""Web servers and balancers in front of a relay, each on a port of its own; killed and started again.
`within` starts a command on the relay's host."""

from harness.parts import make_certificate

NGINX = """
daemon off; user root; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/answers;
    server {{
        listen {port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};
        location / {{ return 200 "the site\\n"; }}
        location /relayd {{
            proxy_pass http://{relay};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_read_timeout 1h;
        }}
    }}
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
}}
"""

HAPROXY = """
global
    maxconn 200
defaults
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
frontend front
    {bind}
    default_backend relay
backend relay
    {server}
"""


class _Front:
    def __init__(self, scene, name, relay, addresses, within):
        self.scene, self.name, self.relay, self.within = scene, name, relay, within
        self.port = scene.free_port()
        self.folder = scene.path(name, "x").parent
        self.certificate, self.key = make_certificate(self.folder, *addresses)
        self._process = None

    def restart(self):
        """Killed, so that its connections are gone at once."""
        self.stop()
        self.start()

    def stop(self):
        self._process.kill()

    def start(self):
        self._process = self.scene.start(self.name, *self.within, *self._command())
        self.scene.wait_for_port(self.port, self._process, within=self.within)
        return self


class NginxFront(_Front):
    """Ends TLS, and passes on what is below /relayd, with X-Forwarded-For."""

    def _command(self):
        file = self.folder / "nginx.conf"
        file.write_text(NGINX.format(folder=self.folder, port=self.port, relay=self.relay,
                                     certificate=self.certificate, key=self.key))
        return ["nginx", "-p", self.folder, "-c", file]


class HaproxyFront(_Front):
    """`send` is send-proxy or send-proxy-v2; with `ends_tls` or passing TLS through."""

    def __init__(self, scene, name, relay, addresses, within, *, send, ends_tls):
        super().__init__(scene, name, relay, addresses, within)
        self._send, self._ends_tls = send, ends_tls

    def _command(self):
        (self.folder / "both.pem").write_text(self.certificate.read_text() + self.key.read_text())
        bind = f"bind 0.0.0.0:{self.port}"
        if self._ends_tls:
            bind += f" ssl crt {self.folder}/both.pem"
        mode = "    mode http\n" if self._ends_tls else "    mode tcp\n"
        text = HAPROXY.format(bind=mode.strip() + "\n    " + bind,
                              server=mode.strip() + f"\n    server one {self.relay} {self._send}")
        file = self.folder / "haproxy.cfg"
        file.write_text(text)
        return ["haproxy", "-db", "-f", file]
