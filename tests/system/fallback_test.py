#!/usr/bin/env python3
"""A web site behind the relay's own port: what is no carrier's goes to a real nginx (`fallback:`), with the
client's address. Pages, large files both ways, requests one behind another, a WebSocket, and carriers on the
same port meanwhile; 502 when nobody is there."""

import os
import socket
import ssl
import threading

from harness.clients import HOST, connect, curl, random_file, sha256
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME, Daemon
from harness.targets import Service, echo
from harness.traffic import exactly, exchange

BIG_BYTES = 20_000_000
UPLOADS = 4  # Of each manner: what stalls one depends on who is faster at each moment.

NGINX = """
daemon off; user root; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    log_format shown "$request_method $request_uri $http_x_forwarded_for $http_x_forwarded_proto $proxy_protocol_addr $connection $request_length";
    access_log {folder}/access.log shown;
    client_body_temp_path {folder}/bodies; client_max_body_size 100m;
    server {{
        listen {listen};
        root {folder}/root;
        location /upload {{ proxy_pass http://127.0.0.1:{sink}; proxy_http_version 1.1; proxy_set_header Host $host; }}
        location /ws {{ proxy_pass http://127.0.0.1:{websocket}; proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection; }}
    }}
}}
"""


def digest_sink(connection):
    """Answers a POST with how many bytes its body had and its digest; one request."""
    import hashlib
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 16)
    head, body = data.split(b"\r\n\r\n", 1)
    length = int(next(line.split(b":")[1] for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length")))
    digest, have = hashlib.sha256(body), len(body)
    while have < length:
        part = connection.recv(1 << 18)
        digest.update(part)
        have += len(part)
    text = f"{have} {digest.hexdigest()}\n".encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))


def websocket_like(connection):
    """Agrees to every upgrade, and then echoes."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 16)
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    echo(connection)


def answer_to(url):
    """Whatever its status: the body, and the status behind it."""
    return run("curl", "--silent", "--insecure", "--noproxy", "*", "--max-time", "60", "-w", "%{http_code}", url).stdout


class Site:
    def __init__(self, scene):
        self.scene = scene
        self.folder = scene.path("nginx", "nginx.conf").parent
        scene.path("nginx", "root", "x")
        self.port = scene.free_port()
        self.socket = self.folder / "site.sock"
        (self.folder / "root/index.html").write_text("the site\n")
        random_file(self.folder / "root/big", BIG_BYTES)
        self.sink, self.websocket = Service(scene, digest_sink).port, Service(scene, websocket_like).port
        self.start(f"127.0.0.1:{self.port}")

    def start(self, listen):
        (self.folder / "nginx.conf").write_text(NGINX.format(
            folder=self.folder, listen=listen, sink=self.sink, websocket=self.websocket))
        self.process = self.scene.start("nginx", "nginx", "-p", self.folder, "-c", self.folder / "nginx.conf")
        if listen.startswith("unix"):
            wait_for("nginx's socket", lambda: self.socket.exists())
        else:
            self.scene.wait_for_port(self.port, self.process)

    def log(self):
        return (self.folder / "access.log").read_text()


class Shared:
    """A relay that shares its port with a site, and a home whose stream goes on all the while."""

    def __init__(self, scene, site):
        self.scene, self.site = scene, site
        self.port = scene.free_port()
        self.relay, self.home = Daemon(scene, "relay"), Daemon(scene, "home")
        self.target = Service(scene, echo).port
        self.forward = scene.free_port()
        self.key = self.home.public_key()
        self.file = scene.path("relay", "relayd.yaml")
        self.set(f"127.0.0.1:{site.port}")
        self.relay.start("--config", self.file)
        self.home.start("home", f"wss://{HOST}:{self.port}/relayd", "--name", HOME_NAME,
                        "--allow", f"127.0.0.1:{self.target}")
        wait_for("the session", lambda: [each for each in self.relay.ask("sessions")["sessions"]
                                         if each["state"] == "attached"])

    def set(self, fallback):
        self.file.write_text(
            f"relay:\n  listen: wss://{HOST}:{self.port}/relayd\n  fallback: {fallback}\n"
            f"  homes:\n    {HOME_NAME}:\n      key: '{self.key}'\n      forwards:\n"
            f"        - {{ listen: '{self.forward}', to: '{self.target}', probe: none }}\n")

    def url(self, path):
        return f"https://{HOST}:{self.port}{path}"

    def open(self):
        context = ssl._create_unverified_context()
        return context.wrap_socket(socket.create_connection((HOST, self.port), 30), server_hostname="localhost")


def pages_and_files(shared):
    scene = shared.scene
    assert curl("-k", shared.url("/")) == "the site\n"
    copy, again = scene.path("copy"), scene.path("again")
    seen = curl("-k", "-w", "%{num_connects} ", "-o", copy, shared.url("/big"), "-o", again, shared.url("/big"))
    assert seen.split() == ["1", "0"], seen
    original = shared.site.folder / "root/big"
    assert sha256(copy) == sha256(again) == sha256(original)
    wait_for("nginx's log", lambda: f"GET /big {HOST} https -" in shared.site.log())
    scene.fact(f"a page, and {BIG_BYTES // 1000000} MB twice on one connection, are equal; nginx knows the client")
    lengthy = ("--data-binary", f"@{original}", "-H", "Expect:")
    in_chunks = ("-T", original, "-X", "POST", "-H", "Transfer-Encoding: chunked")
    for manner in (lengthy, in_chunks) * UPLOADS:
        told = curl("-k", *manner, shared.url("/upload"))
        assert told.split() == [str(BIG_BYTES), sha256(original)], told
    scene.fact(f"{BIG_BYTES // 1000000} MB up are equal, {UPLOADS} times with a length and in chunks")


def one_behind_another(shared):
    lie = "GET /?second HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nConnection: close\r\n\r\n"
    with shared.open() as connection:
        connection.sendall(f"GET /?first HTTP/1.1\r\nHost: x\r\n\r\n{lie}".encode())
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
    assert answer.count(b"the site\n") == 2, answer
    wait_for("nginx's log", lambda: f"GET /?second {HOST} https" in shared.site.log())
    assert "1.2.3.4" not in shared.site.log()
    shared.scene.fact("a request behind another is answered in turn, and cannot say where it comes from")


def a_websocket(shared):
    with shared.open() as connection:
        connection.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(1)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        for _ in range(16):  # By turns: Python's TLS is not for two threads at once.
            said = os.urandom(1 << 16)
            connection.sendall(said)
            assert exactly(connection, len(said)) == said
    shared.scene.fact("a WebSocket of the site carries 1 MiB each way")


def what_is_the_relays(shared):
    assert answer_to(shared.url("/relayd/x")).endswith("404")
    assert answer_to(shared.url("/relayd")).endswith("404")
    assert "/relayd" not in shared.site.log()
    poll = Daemon(shared.scene, "poll-home")
    shared.relay.relayctl("home", "add", "poll-home", poll.public_key())
    poll.start("home", f"https+poll://{HOST}:{shared.port}/relayd", "--name", "poll-home")
    wait_for("a home by poll", lambda: [each for each in shared.relay.ask("sessions")["sessions"]
                                        if each["home"] == "poll-home" and each["state"] == "attached"])
    poll.process.stop()
    shared.scene.fact("what is below the relay's path never reaches the site; a home comes by https+poll beside it")


def broken_requests(shared):
    for said, status in ((b"GARBAGE\r\n\r\n", b"400"),
                         (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
                         (b"GET / HTTP/1.1\r\nA: " + b"x" * 20000, b"431")):
        with shared.open() as connection:
            connection.sendall(said)
            assert connection.recv(12) == b"HTTP/1.1 " + status, said[:40]
    shared.scene.fact("requests that are broken, endless, or can be read in two ways are refused")


def by_proxy_header(shared):
    site = shared.site
    site.process.stop()
    site.start(f"unix:{site.socket} proxy_protocol")
    for version in ("v1", "v2"):
        shared.set(f"{{ to: 'unix:{site.socket}', proxy-protocol: {version} }}")
        shared.relay.relayctl("reload")
        assert curl("-k", shared.url(f"/?{version}")) == "the site\n"
        wait_for("nginx's log", lambda v=version: f"GET /?{v} {HOST} https {HOST}" in site.log())
    shared.scene.fact("by a unix socket, with PROXY headers of both versions")


def nobody_there(shared):
    shared.site.process.stop()
    shared.set(f"127.0.0.1:{shared.site.port}")
    shared.relay.relayctl("reload")
    seen = answer_to(shared.url("/"))
    assert seen == "The web server behind this one does not answer.\n502", seen
    shared.scene.fact("without a web server there it is 502, in plain words")


def main():
    with Scene() as scene:
        site = Site(scene)
        shared = Shared(scene, site)
        stop, rounds = threading.Event(), []

        def carry():
            visitor = connect(shared.forward, 60)
            while not stop.is_set():
                said = os.urandom(100_000)
                assert exchange(visitor, said) == said
                rounds.append(len(said))
            visitor.close()
            rounds.append("done")

        carrier = threading.Thread(target=carry, daemon=True)
        carrier.start()
        pages_and_files(shared)
        one_behind_another(shared)
        a_websocket(shared)
        what_is_the_relays(shared)
        broken_requests(shared)
        by_proxy_header(shared)
        nobody_there(shared)
        stop.set()
        carrier.join(60)
        assert rounds and rounds[-1] == "done"
        scene.fact(f"and a home's stream on the same port carried {sum(rounds[:-1]) // 1000000} MB each way, equal")


if __name__ == "__main__":
    main()
