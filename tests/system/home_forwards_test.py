#!/usr/bin/env python3
"""Forwards that a home asks its relay for, as far as the relay permits: told on both sides, used by
real servers, kept through cuts, restarts and kills of either side, and taken back. PROXY headers."""

import contextlib
import json
import os
import signal
import socket
import threading

from harness import parts
from harness.clients import SshClient, connect, curl, random_file, read_to_end, sha256
from harness.exchange import Exchange, Transfer
from harness.keeper import KeptTunnel
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME
from harness.targets import Target

STREAMS = 4
BYTES_PER_STREAM = 25_000_000
IN_A_ROW = 5

NGINX = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp;
    fastcgi_temp_path {folder}/tmp; uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
    server {{
        listen 127.0.0.1:{port} proxy_protocol;
        location / {{ return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_port"; }}
    }}
}}
"""


def nginx_behind_a_proxy(scene):
    """It serves nobody who does not begin with a PROXY header."""
    folder, port = scene.path("nginx", "nginx.conf").parent, scene.free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    server = scene.start("nginx", "nginx", "-p", folder, "-c", folder / "nginx.conf")
    scene.wait_for_port(port, server)
    return port


class Asked:
    """A tunnel whose home asks for forwards, none of which its own allow list has."""

    def __init__(self, scene, forwards):
        self.scene, self.tunnel = scene, KeptTunnel(scene, home_settings={"forwards": "[]"})
        self.write(forwards)

    def write(self, forwards):
        """Each a (listen, to, more), put in force by a reload."""
        maps = [json.dumps({"listen": str(listen), "to": str(to), **more})
                for listen, to, more in forwards]
        self.tunnel.home_settings["forwards"] = f"[ {', '.join(maps)} ]"
        self.tunnel.home_arguments()
        self.tunnel.home.relayctl("reload")

    def listed(self, daemon):
        return {each["listen"]: each for each in daemon.ask("forward", "list")["forwards"]}

    def both(self):
        return self.listed(self.tunnel.relay), self.listed(self.tunnel.home)

    def permit(self, *ports):
        words = [word for port in ports for word in ("--may-listen", str(port))]
        self.tunnel.relay.relayctl("home", "add", HOME_NAME, self.tunnel.home.public_key(), *words)

    def all_listen(self, ports):
        return all((side.get(f"127.0.0.1:{port}") or {}).get("listening")
                   for port in ports for side in self.both())


def denied_at_first(asked, ports):
    def all_denied():
        return all((side.get(f"127.0.0.1:{port}") or {}).get("denied")
                   for port in ports for side in asked.both())
    wait_for("all to be denied", all_denied)
    for side in asked.both():
        assert {each["origin"] for each in side.values()} == {"home"}, side
    assert "may-listen" in asked.tunnel.relay.log() and "may-listen" in asked.tunnel.home.log()
    table = asked.tunnel.home.relayctl("forward", "list").stdout
    assert "denied" in table, table
    asked.scene.fact("what is not permitted is denied, with the reason in both lists and logs")


def proxied(asked, port):
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        local = reserved.getsockname()[1]
    page = curl("--local-port", str(local), f"http://127.0.0.1:{port}/")
    assert page == f"127.0.0.1 {local} {port}", page
    asked.scene.fact("nginx hears the visitor's address and port, and where it came, by a PROXY header")
    for _ in range(2):
        asked.tunnel.relay.relayctl("probe", str(port))
    probe = asked.listed(asked.tunnel.relay)[f"127.0.0.1:{port}"]["probe"]
    assert probe["ok"], probe
    asked.scene.fact("its probe begins with a header, too, that speaks for nobody")


def ports_in_a_row(scene, count):
    """The first of so many, none of which is in use."""
    while True:
        first = scene.free_port()
        with contextlib.ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
                return first
            except OSError:
                pass  # Another one.


def numbered(first, count):
    """Targets in a row, each of which says its number."""
    def serve(listener, number):
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"%d" % number)
    for number in range(count):
        listener = socket.create_server(("127.0.0.1", first + number))
        threading.Thread(target=serve, args=(listener, number), daemon=True).start()


def a_range(asked):
    """By one line of the home's settings, and one of the relay's."""
    scene, home = asked.scene, asked.tunnel.home
    listen, to = ports_in_a_row(scene, IN_A_ROW), ports_in_a_row(scene, IN_A_ROW)
    numbered(to, IN_A_ROW)
    ports, last = range(listen, listen + IN_A_ROW), IN_A_ROW - 1
    asked.write([(f"{listen}-{listen + last}", f"{to}-{to + last}", {"probe": "none"})])
    wait_for("all of it to be denied", lambda: all(
        (side.get(f"127.0.0.1:{port}") or {}).get("denied") for port in ports for side in asked.both()))
    asked.permit(f"{listen}-{listen + last}")
    wait_for("the range to listen", lambda: asked.all_listen(ports))
    for number, port in enumerate(ports):
        with connect(port) as client:
            assert read_to_end(client) == b"%d" % number
    assert len(asked.listed(home)) == IN_A_ROW
    scene.fact(f"a range of {IN_A_ROW} ports is asked for and permitted by a line each, and each has its own target")


def disasters(asked, target, port, answer):
    tunnel = asked.tunnel

    def cut():
        wait_for("carriers to cut", lambda: tunnel.cut_carriers() >= 1)
        tunnel.wait_for_session()

    def end(daemon, number):
        daemon.end(number)
        daemon.go_on()

    steps = [cut, lambda: end(tunnel.relay, signal.SIGTERM), cut,
             lambda: end(tunnel.relay, signal.SIGKILL), lambda: end(tunnel.home, signal.SIGTERM),
             lambda: end(tunnel.home, signal.SIGKILL)]
    with Transfer(port, target, answer, STREAMS, len(steps)) as transfer:
        for step in steps:
            transfer.next()
            step()
        transfer.end()
    asked.scene.fact("carriers cut, both sides restarted and killed: 100 MB each way are equal byte for byte")


def taken_back(asked, kept, gone):
    with connect(gone[0]) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(7) == b"+PONG\r\n"
        asked.write([kept])
        wait_for("the listener to go", lambda: f"127.0.0.1:{gone[0]}" not in asked.both()[0])
        client.sendall(b"PING\r\n")
        assert client.recv(7) == b"+PONG\r\n"
    assert list(asked.both()[1]) == [f"127.0.0.1:{kept[0]}"]
    asked.scene.fact("what the home takes out of its settings goes at a reload, and its streams go on")


def forget(store):
    """As the service manager does at a stop."""
    for _, descriptor in store.kept:
        os.close(descriptor)
    store.kept.clear()


def without_the_home(asked, port):
    tunnel = asked.tunnel
    for daemon in (tunnel.home, tunnel.relay):
        daemon.end(signal.SIGTERM)
        forget(daemon.store)
    tunnel.relay.start()
    shown = asked.listed(tunnel.relay)[f"127.0.0.1:{port}"]
    assert shown["listening"] and shown["origin"] == "home", shown
    refused = tunnel.relay.relayctl("forward", "remove", str(port), check=False)
    assert refused.returncode == 1 and "asks for forward" in refused.stderr, refused.stderr
    asked.scene.fact("a relay that starts anew listens for a home that is away")
    tunnel.start_home()
    wait_for("it to be asked for again", lambda: asked.all_listen([port]))
    tunnel.relay.relayctl("home", "remove", HOME_NAME)
    assert not asked.listed(tunnel.relay)
    asked.scene.fact("home remove ends what the home asked for")


def main():
    with Scene() as scene:
        server, redis = parts.sshd(scene), parts.redis(scene)
        web = nginx_behind_a_proxy(scene)
        answer = os.urandom(BYTES_PER_STREAM)
        busy = Target(scene, lambda connection: Exchange(answer).run(connection))
        at = {name: scene.free_port() for name in ("ssh", "redis", "web", "busy", "denied")}
        quiet = {"probe": "none"}
        asked = Asked(scene, [
            (at["ssh"], server.port, quiet), (at["redis"], redis, quiet), (at["busy"], busy.port, quiet),
            (at["web"], web, {"probe": "http", "proxy-protocol": "yes"}), (at["denied"], redis, quiet)])
        denied_at_first(asked, at.values())
        permitted = [port for name, port in at.items() if name != "denied"]
        asked.permit(*permitted)
        wait_for("what is permitted to listen", lambda: asked.all_listen(permitted))
        assert all(side[f"127.0.0.1:{at['denied']}"]["denied"] for side in asked.both())
        scene.fact("what is permitted later listens at once, all else stays denied")

        client = SshClient(scene, server, at["ssh"])
        original, there, back = (scene.path(name) for name in ("original", "there", "back"))
        random_file(original, 5_000_000)
        client.upload(original, there)
        client.download(there, back)
        assert sha256(there) == sha256(back) == sha256(original)
        pong = run("redis-cli", "-p", at["redis"], "ping")
        assert pong.stdout.strip() == "PONG", pong
        scene.fact("ssh and redis are reached, though the home's allow list has neither")
        proxied(asked, at["web"])
        disasters(asked, busy, at["busy"], answer)
        assert asked.all_listen(permitted)
        taken_back(asked, (at["busy"], busy.port, quiet), (at["redis"], redis))
        without_the_home(asked, at["busy"])

    with Scene() as scene:
        a_range(Asked(scene, []))


if __name__ == "__main__":
    main()
