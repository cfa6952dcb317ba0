#!/usr/bin/env python3
"""Visitors that dial the relay by a key of their own: ssh through --stdio, ports, SOCKS5; what they
may reach, and who they are. Their streams outlive carriers, and relay, home and visitor, killed or
restarted."""

import os
import signal
import socket
import subprocess

from harness import parts
from harness.clients import SshClient, connect, curl, random_file, sha256
from harness.exchange import Exchange, Transfer
from harness.keeper import KeptDaemon, KeptTunnel
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME, Daemon, build_folder
from harness.targets import Service, Target, echo

VISITOR = "alice"
STREAMS = 4
BYTES_PER_STREAM = 25_000_000
COPY_BYTES = 20_000_000


class Visits:
    """What the parts of this test share: a tunnel, and a visitor that it knows."""

    def __init__(self, scene, tunnel, ports):
        self.scene, self.tunnel = scene, tunnel
        self.visitor = KeptDaemon(scene, "visitor")
        reach = [word for port in ports for word in ("--may-reach", f"{HOME_NAME}:{port}")]
        tunnel.relay.relayctl("visitor", "add", VISITOR, self.visitor.public_key(), *reach)

    def arguments(self, *words):
        return ["visit", self.tunnel.address(), *words, "--state-dir", self.visitor.state]

    def command(self, *words):
        return [str(word) for word in (build_folder() / "daemon/relayd", *self.arguments(*words))]

    def stdio(self, target, **options):
        return subprocess.Popen(self.command(target, "--stdio"), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def sessions(self):
        return [each for each in self.tunnel.sessions() if each.get("visitor") == VISITOR]


def ssh_by_stdio(visits, server, port):
    scene = visits.scene
    client = SshClient(scene, server, port)
    config = scene.path("ssh", "ssh_config")
    proxy = " ".join(visits.command(f"{HOME_NAME}:{port}", "--stdio"))
    config.write_text(config.read_text() + f"ProxyCommand {proxy}\n")
    assert client.run("echo", "hello from home") == "hello from home\n"
    original, there, back = scene.path("original"), scene.path("there"), scene.path("back")
    random_file(original, COPY_BYTES)
    client.upload(original, there)
    client.download(there, back)
    assert sha256(there) == sha256(back) == sha256(original)
    scene.fact("ssh logs in by a ProxyCommand, and scp brings and fetches 20 MB")

    # Several at once, with one key.
    sleepers = [subprocess.Popen(client.command("cat"), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE) for _ in range(3)]
    for number, sleeper in enumerate(sleepers):
        sleeper.stdin.write(b"%d\n" % number)
        sleeper.stdin.flush()
        assert sleeper.stdout.readline() == b"%d\n" % number
    assert len(visits.sessions()) == 3, visits.sessions()
    assert {each["kind"] for each in visits.sessions()} == {"visitor"}
    shown = {each["visitor"] for each in visits.tunnel.relay.ask("streams")["streams"]}
    assert shown == {VISITOR}, shown
    shown = {each["visitor"] for each in visits.tunnel.home.ask("streams")["streams"]}
    assert shown == {VISITOR}, shown
    for sleeper in sleepers:
        assert sleeper.communicate(timeout=30) == (b"", None)
        assert sleeper.returncode == 0
    scene.fact("three logins at once have a session each; relay and home show the visitor's name")
    wait_for("the sessions to end", lambda: not visits.sessions(), 10)
    scene.fact("a session ends with its process")


def ends_of_stdio(visits, echo_port, closing_port):
    process = visits.stdio(f"{HOME_NAME}:{echo_port}")
    out, error = process.communicate(b"x" * 1_000_000, timeout=60)
    assert (out, process.returncode) == (b"x" * 1_000_000, 0), (len(out), error)
    visits.scene.fact("the end of the input is passed on, all output comes, and the status is 0")

    process = visits.stdio(f"{HOME_NAME}:{closing_port}")
    assert process.stdout.read() == b"bye"
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(30) == 0
    visits.scene.fact("the home's end closes the output while the input is open")

    with open("/dev/zero", "rb") as endless:
        process = subprocess.run(visits.command(f"{HOME_NAME}:{closing_port + 1}", "--stdio"),
                                 stdin=endless, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, timeout=30, check=False)
    assert process.returncode == 1 and "not allowed" not in process.stdout, process
    assert "lets us not reach" in process.stderr, process.stderr
    visits.scene.fact("what may not be reached ends with status 1 and a reason")

    process = visits.stdio(f"{HOME_NAME}:{echo_port}")
    process.stdin.write(b"y")
    process.stdin.flush()
    assert process.stdout.read(1) == b"y"
    process.send_signal(signal.SIGHUP)
    process.wait(20)
    wait_for("its session to end", lambda: not visits.sessions(), 10)
    visits.scene.fact("SIGHUP, by which ssh ends its ProxyCommand, ends it and its session")


def what_may_not_be_reached(visits, socks, secret_port, unknown="nowhere"):
    def answer_for(host, port):
        with socket.create_connection(("127.0.0.1", socks), timeout=20) as client:
            client.sendall(b"\5\1\0")
            assert client.recv(2) == b"\5\0"
            name = host.encode()
            client.sendall(b"\5\1\0\3" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
            return client.recv(10)
    answers = {answer_for(HOME_NAME, secret_port), answer_for(HOME_NAME, 1),
               answer_for(unknown, secret_port)}
    assert answers == {b"\5\2\0\1\0\0\0\0\0\0"}, answers
    visits.scene.fact("a forward that is not listed, one that is not there and an unknown home "
                      "get the same answer")


def disasters(visits, target, port, answer):
    """The carriers of both, relay, home and visitor in turn, while 100 MB go each way."""
    tunnel, visitor, scene = visits.tunnel, visits.visitor, visits.scene

    def cut():
        wait_for("carriers to cut", lambda: tunnel.cut_carriers() >= 2)
        tunnel.wait_for_session()

    def restart(daemon, number):
        daemon.end(number)
        daemon.go_on()

    steps = [cut, lambda: restart(tunnel.relay, signal.SIGTERM), cut,
             lambda: restart(visitor, signal.SIGTERM), lambda: restart(tunnel.relay, signal.SIGKILL),
             lambda: restart(visitor, signal.SIGKILL), lambda: restart(tunnel.home, signal.SIGKILL)]
    with Transfer(port, target, answer, STREAMS, len(steps)) as transfer:
        for step in steps:
            transfer.next()
            step()
        transfer.end()
    scene.fact("carriers cut, relay and visitor restarted, relay, visitor and home killed: "
               "100 MB each way are equal byte for byte")


def socks_survives(visits, socks, port):
    """A stream that began by SOCKS5 is as durable as any."""
    with socket.create_connection(("127.0.0.1", socks), timeout=60) as client:
        name = HOME_NAME.encode()
        client.sendall(b"\5\1\0")
        assert client.recv(2) == b"\5\0"
        client.sendall(b"\5\1\0\3" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
        assert client.recv(10)[1] == 0
        for daemon in (visits.visitor, visits.tunnel.relay):
            client.sendall(b"before")
            assert client.recv(6, socket.MSG_WAITALL) == b"before"
            daemon.kill()
            daemon.go_on()
            client.sendall(b"after!")
            assert client.recv(6, socket.MSG_WAITALL) == b"after!"
    visits.scene.fact("a connection by SOCKS5 outlives kills of visitor and relay")


def who_is_who(visits, home_port):
    """A key is a home's or a visitor's."""
    scene, tunnel = visits.scene, visits.tunnel
    before = tunnel.wait_for_session()["id"]
    done = run(build_folder() / "daemon/relayd", "visit", tunnel.address(),
               f"{HOME_NAME}:{home_port}", "--stdio", "--state-dir", tunnel.home.state,
               check=False, seconds=30)
    assert done.returncode == 1 and f"known here as the home {HOME_NAME}" in done.stderr, done.stderr
    assert tunnel.wait_for_session()["id"] == before
    scene.fact("a home's key does not visit, and its home's session goes on")
    other = Daemon(scene, "impostor")
    other.start("home", tunnel.address(), "--name", "impostor", "--key",
                visits.visitor.state / "id_ed25519")
    wait_for("the refusal", lambda: f"known here as the visitor {VISITOR}" in other.log())
    other.process.stop()
    scene.fact("a visitor's key is no home's")
    refused = tunnel.relay.relayctl("home", "add", "x", visits.visitor.public_key(), check=False)
    assert refused.returncode == 1 and f"the visitor {VISITOR}" in refused.stderr, refused.stderr
    refused = tunnel.relay.relayctl("visitor", "add", "x", tunnel.home.public_key(), check=False)
    assert refused.returncode == 1 and f"the home {HOME_NAME}" in refused.stderr, refused.stderr
    stranger = Daemon(scene, "stranger")
    key = stranger.public_key()
    done = run(build_folder() / "daemon/relayd", "visit", tunnel.address(),
               f"{HOME_NAME}:{home_port}", "--stdio", "--state-dir", stranger.state,
               check=False, seconds=30)
    assert done.returncode == 1 and "relayctl visitor add" in done.stderr, done.stderr
    assert key.split()[1] in done.stderr
    scene.fact("an unknown key is refused, and told how to be let in")


def removed(visits, port):
    tunnel = visits.tunnel
    listed = tunnel.relay.ask("visitor", "list")["visitors"]
    assert [each["name"] for each in listed] == [VISITOR] and listed[0]["online"], listed
    with connect(port) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        tunnel.relay.relayctl("session", "close", VISITOR)
        try:
            assert client.recv(1) == b""
        except ConnectionResetError:
            pass
    wait_for("the visitor to come again", lambda: visits.sessions())
    visits.scene.fact("session close NAME ends its streams, and it comes again")
    with connect(port) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        tunnel.relay.relayctl("visitor", "remove", VISITOR)
        try:
            assert client.recv(1) == b""
        except ConnectionResetError:
            pass
    wait_for("the visitor to know", lambda: "has removed this visitor" in visits.visitor.log())
    assert not visits.sessions()
    visits.scene.fact("visitor remove ends its session and its streams at once, and it says why")


def main():
    with Scene() as scene:
        server = parts.sshd(scene)
        root = scene.path("www", "x").parent
        (root / "page").write_bytes(os.urandom(3_000_000))
        web = parts.python_http(scene, root)
        answer = os.urandom(BYTES_PER_STREAM)
        busy = Target(scene, lambda connection: Exchange(answer).run(connection))
        echoes = Service(scene, echo)
        leaver = Service(scene, lambda connection: (connection.sendall(b"bye"),
                                                    connection.shutdown(socket.SHUT_WR),
                                                    connection.recv(1)))
        targets = [server.port, web, busy.port, echoes.port, leaver.port]
        tunnel = KeptTunnel(scene, *targets)
        at = dict(zip(("ssh", "web", "busy", "echo", "leaver"),
                      [tunnel.forward(port, "--probe", "none") for port in targets]))
        secret = tunnel.forward(echoes.port, "--probe", "none")
        visits = Visits(scene, tunnel, at.values())
        ssh_by_stdio(visits, server, at["ssh"])
        ends_of_stdio(visits, at["echo"], at["leaver"])

        socks, busy_port, echo_port = (scene.free_port() for _ in range(3))
        visits.visitor.start("visit", tunnel.address(), f"{HOME_NAME}:{at['busy']}",
                             f"{HOME_NAME}:{at['echo']}", "--listen", f"127.0.0.1:{busy_port}",
                             "--listen", str(echo_port), "--dynamic", f"127.0.0.1:{socks}")
        wait_for("the visitor's session", lambda: visits.sessions())
        page = curl("--noproxy", "", "--proxy", f"socks5h://127.0.0.1:{socks}",
                    "--output", scene.path("page"), f"http://{HOME_NAME}:{at['web']}/page")
        assert page == "" and sha256(scene.path("page")) == sha256(root / "page")
        scene.fact("curl fetches a page by SOCKS5, with the home's name as host")
        what_may_not_be_reached(visits, socks, secret)
        disasters(visits, busy, busy_port, answer)
        socks_survives(visits, socks, at["echo"])
        who_is_who(visits, at["echo"])
        removed(visits, echo_port)
        with connect(at["echo"]) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        scene.fact("whoever comes to the relay's own listener is served as before")


if __name__ == "__main__":
    main()
