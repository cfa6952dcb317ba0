#!/usr/bin/env python3
"""FTP by `relayd visit`: one command, and real clients beside the visitor work, passive and active, sealed
end to end or not, while carriers are cut and daemons restarted; and what must not work."""

import json
import signal
import socket
import subprocess

from harness.ftp import FtpServer, curl
from harness.ftp_control import Control, fetch
from harness.ftp_modes import ACTIVE, PASSIVE
from harness.keeper import KeptDaemon, KeptTunnel
from harness.netns import on_host
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, build_folder
from testhost import Network

from ftp_test import big_files_are_equal, cuts_are_survived, many_at_once, no_bounce

PATIENCE = 60  # Seconds, of a machine that is busy.
HERE = "127.0.0.1"
STREAMS_MOST = 2


class Visit:
    """A visitor on the host "client", and a tunnel that knows it."""

    def __init__(self, tunnel, daemon, *words):
        self.scene, self.network, self.tunnel = tunnel.scene, tunnel.network, tunnel
        self.daemon, self.name, self.words = daemon, daemon.name, words

    def let_in(self, *ports):
        reach = [word for port in ports for word in ("--may-reach", f"{HOME_NAME}:{port}")]
        self.tunnel.relay.relayctl("visitor", "add", self.name, self.daemon.public_key(), *reach)
        return self

    def start(self, target_port, *words):
        """Where its listener for that forward is."""
        port = self.scene.free_port()
        self.daemon.start("visit", self.tunnel.address(), f"{HOME_NAME}:{target_port}", "--listen",
                          str(port), *self.words, *words)
        self.wait_for_session()
        return HERE, port

    def sessions(self):
        return [each for each in self.tunnel.sessions()
                if each.get("visitor") == self.name and each["state"] == "attached"]

    # As a tunnel, for those who cut: carriers on both sides of the relay.
    def wait_for_session(self):
        self.tunnel.wait_for_session(PATIENCE)
        wait_for("the visitor's session", self.sessions, PATIENCE)

    def cut_carriers(self):
        self.wait_for_session()
        cut = subprocess.run(
            [*self.network.inside("client"), "ss", "-H", "-t", "-K", "state", "established",
             f"dport = :{self.tunnel.carrier_port}"], check=True, stdout=subprocess.PIPE, text=True)
        return self.tunnel.cut_carriers() and len(cut.stdout.splitlines())


def clients_work(visit, place, server, how):
    for name, use in (PASSIVE | ACTIVE).items():
        use(visit.scene, visit.network.inside("client"), place, server)
        visit.scene.fact(f"{name}, {how}")


def all_is_sealed(visit, place, is_sealed):
    with Control(visit.network, place) as control, control.dial(control.passive()) as data:
        assert control.ask("RETR big.bin").startswith("150")
        assert data.recv(1000)
        for daemon in (visit.daemon, visit.tunnel.relay, visit.tunnel.home):
            wait_for(f"the streams of {daemon.name}", lambda daemon=daemon: [
                each.get("end_to_end", False) for each in daemon.ask("streams")["streams"]
            ] == [is_sealed] * 2, PATIENCE)
    wait_for("the streams to end", lambda: not visit.tunnel.home.ask("streams")["streams"], PATIENCE)
    visit.scene.fact("control and data connections are sealed end to end" if is_sealed else
                     "and none of them with --no-end-to-end")


def relay_restarts(visit, place, server):
    """The relay holds nothing of FTP that its restart could lose."""
    expected = (server.root / "big.bin").read_bytes()
    with Control(visit.network, place) as control:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with control.dial(control.passive()) as data:
                assert control.ask("RETR big.bin").startswith("150")
                got = bytearray(data.recv(1 << 16))
                visit.tunnel.relay.end(number)
                visit.tunnel.relay.go_on()
                while part := data.recv(1 << 18):
                    got += part
            assert bytes(got) == expected
            assert control.reply().startswith("226")
            visit.wait_for_session()
            fetch(control)
    visit.scene.fact("relay restarted and killed: control connection and transfer go on, and the next "
                     "one begins")


def active_is_as_durable(visit, place, server):
    """The server connects, to the home, and the relay's own connection goes on to the visitor."""
    expected = (server.root / "big.bin").read_bytes()
    with on_host(visit.network, "client"):
        listener = socket.create_server((HERE, 0))
    listener.settimeout(PATIENCE)
    port = listener.getsockname()[1]
    with listener, Control(visit.network, place) as control:
        assert control.ask(f"PORT 127,0,0,1,{port >> 8},{port & 255}").startswith("200")
        control.socket.sendall(b"RETR big.bin\r\n")
        data, _ = listener.accept()
        with data:
            got = bytearray(data.recv(1 << 16))
            visit.tunnel.relay.kill()
            visit.tunnel.relay.go_on()
            while part := data.recv(1 << 18):
                got += part
        assert bytes(got) == expected
        assert control.reply().startswith("150") and control.reply().startswith("226")
        visit.wait_for_session()
        assert control.ask("PORT 127,0,0,1,0,22").startswith("500")
        fetch(control)
    visit.scene.fact("an active transfer goes on over a kill of the relay, and no low port is dialled")


def transfers_outlive(visit, place, server, daemon):
    """The process at either end is killed: what it knew of the control connection is gone."""
    expected = (server.root / "big.bin").read_bytes()
    with Control(visit.network, place) as control:
        with control.dial(control.passive()) as data:
            assert control.ask("RETR big.bin").startswith("150")
            got = bytearray(data.recv(1 << 16))
            daemon.kill()
            daemon.go_on()
            while part := data.recv(1 << 18):
                got += part
        assert bytes(got) == expected
    visit.wait_for_session()
    with Control(visit.network, place) as control:
        fetch(control)
    visit.scene.fact(f"{daemon.name} killed: a transfer goes on, and who comes again is served")


def no_more_than_it_may(visit, ftp_port, other_port):
    """Its streams are counted, and a forward that it may not reach is none for FTP either."""
    network, scene = visit.network, visit.scene
    place = visit.start(ftp_port)
    with Control(network, place) as control:
        fetch(control)
        with control.dial(control.passive()) as data:
            assert control.ask("RETR big.bin").startswith("150")
            assert data.recv(1000)
            is_refused(network, place)
            wait_for("the refusal", lambda: "refused a stream of the visitor" in
                     visit.tunnel.relay.log(), PATIENCE)
    visit.daemon.process.stop()
    place = visit.start(other_port, "--protocol", "ftp")
    is_refused(network, place)
    wait_for("the log", lambda: "lets us not reach" in visit.daemon.log(), PATIENCE)
    visit.daemon.process.stop()
    scene.fact("data connections count as streams, and may-reach holds")


def is_refused(network, place):
    try:
        with on_host(network, "client"):
            client = socket.create_connection(place, timeout=PATIENCE)
        with client:
            assert client.recv(100) == b""
    except ConnectionResetError:
        pass  # Perhaps before connect() has returned.


def what_is_no_ftp(visit, ftp_port, plain_port):
    """What brings one connection alone, and forwards that the relay's operator does not call FTP."""
    place = visit.start(plain_port, "--protocol", "ftp")
    is_refused(visit.network, place)
    wait_for("the log", lambda: "no FTP is spoken there" in visit.daemon.log(), PATIENCE)
    visit.daemon.process.stop()
    done = visit_once(visit, f"{HOME_NAME}:{ftp_port}", "--stdio")
    assert done.returncode == 1 and not done.stdout and "FTP is spoken there" in done.stderr, done
    done = visit_once(visit, f"{HOME_NAME}:{ftp_port}", "--stdio", "--protocol", "ftp")
    assert done.returncode == 2 and "cannot carry FTP" in done.stderr, done
    socks = visit.scene.free_port()
    visit.start(plain_port, "--dynamic", str(socks))
    done = curl(visit.network.inside("client"), (HOME_NAME, ftp_port), "hello.txt", "--proxy",
                f"socks5h://{HERE}:{socks}", check=False)
    assert done.returncode != 0, done
    wait_for("the log", lambda: "FTP is spoken there" in visit.daemon.log(), PATIENCE)
    visit.daemon.process.stop()
    visit.scene.fact("--protocol ftp at a forward of something else, --stdio and --dynamic at one of FTP "
                     "are refused with a reason")


def visit_once(visit, *words):
    command = [*visit.network.inside("client"), build_folder() / "daemon/relayd", "visit",
               visit.tunnel.address(), *words, "--state-dir", visit.daemon.state]
    return subprocess.run([str(word) for word in command], input="", capture_output=True, text=True,
                          timeout=PATIENCE, check=False)


def main():
    with Scene() as scene, Network("relay", "home", "client", "other") as network:
        server = FtpServer.vsftpd(scene, within=network.inside("home"))
        alice, bob, carol = (KeptDaemon(scene, name, network.inside("client"))
                             for name in ("alice", "bob", "carol"))
        ftp_port = scene.free_port()
        tunnel = KeptTunnel(scene, server.port, network=network, relay_settings={
            "visitors": json.dumps({"carol": {
                "key": carol.public_key(), "may-reach": [f"{HOME_NAME}:{ftp_port}"],
                "streams": STREAMS_MOST}})})
        plain_port = tunnel.forward(server.port, "--probe", "none")
        other_port = tunnel.forward(server.port, "--protocol", "ftp", "--probe", "none")
        tunnel.relay.relayctl("forward", "add", str(ftp_port), "--home", HOME_NAME, "--to", server.place,
                              "--protocol", "ftp", "--probe", "none")

        visit = Visit(tunnel, alice).let_in(ftp_port, plain_port)
        place = visit.start(ftp_port)
        clients_work(visit, place, server, "by one command, sealed")
        big_files_are_equal(scene, network, place, server)
        all_is_sealed(visit, place, True)
        cuts_are_survived(scene, network, visit, place, server)
        many_at_once(scene, network, place)
        relay_restarts(visit, place, server)
        active_is_as_durable(visit, place, server)
        no_bounce(scene, network, place)
        transfers_outlive(visit, place, server, alice)
        transfers_outlive(visit, place, server, tunnel.home)
        alice.process.stop()
        what_is_no_ftp(visit, ftp_port, plain_port)

        plain = Visit(tunnel, bob, "--no-end-to-end").let_in(ftp_port)
        place = plain.start(ftp_port, "--protocol", "ftp")
        clients_work(plain, place, server, "with --no-end-to-end and --protocol ftp")
        bob.process.stop()
        for name in ("big.bin", "incoming/up.bin"):
            (server.root / name).unlink(missing_ok=True)
        place = plain.start(ftp_port)
        big_files_are_equal(scene, network, place, server)
        all_is_sealed(plain, place, False)
        cuts_are_survived(scene, network, plain, place, server)
        bob.process.stop()

        no_more_than_it_may(Visit(tunnel, carol), ftp_port, other_port)


if __name__ == "__main__":
    main()
