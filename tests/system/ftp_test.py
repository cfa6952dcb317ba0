#!/usr/bin/env python3
"""FTP through a forward, with real servers and clients: passive and active, up and down, while
carriers are cut; and what must not work."""

import concurrent.futures
import filecmp
import json
import os
import socket

from harness.ftp import FtpServer, curl
from harness.ftp_control import Control, fetch, forward
from harness.ftp_modes import ACTIVE, PASSIVE
from harness.netns import on_host
from harness.processes import Scene, wait_for
from harness.relayd import Tunnel
from testhost import Network

BIG_BYTES = 100 << 20
PARALLEL = 50
CHUNK = 1 << 18


def clients_work(scene, network, place, server):
    for name, use in (PASSIVE | ACTIVE).items():
        use(scene, network.inside("client"), place, server)
        scene.fact(f"{name}, with {server.name}")


def big_files_are_equal(scene, network, place, server):
    big, down = scene.path("big", "up.bin"), scene.path("big", "down.bin")
    big.write_bytes(os.urandom(BIG_BYTES))
    big.chmod(0o644)
    (server.root / "big.bin").unlink(missing_ok=True)
    (server.root / "big.bin").hardlink_to(big)
    client = network.inside("client")
    curl(client, place, "big.bin", "-o", down)
    curl(client, place, "incoming/up.bin", "-T", big)
    assert filecmp.cmp(big, down, shallow=False)
    assert filecmp.cmp(big, server.root / "incoming/up.bin", shallow=False)
    (server.root / "incoming/up.bin").unlink()
    scene.fact(f"{BIG_BYTES >> 20} MiB each way are equal")


def cuts_are_survived(scene, network, tunnel, place, server):
    """Carriers are cut when a third of a file has moved, and two thirds."""
    sent = (server.root / "big.bin").read_bytes()
    step = len(sent) // 3
    with Control(network, place) as control:
        data = control.dial(control.passive())
        assert control.ask("RETR big.bin").startswith("150")
        got = bytearray()
        with data:
            while part := data.recv(min(CHUNK, step - len(got) % step)):
                got += part
                if len(got) % step == 0:
                    cut(tunnel)
        assert bytes(got) == sent
        assert control.reply().startswith("226")
        data = control.dial(control.passive())
        assert control.ask("STOR incoming/up.bin").startswith("150")
        with data:
            for at in range(0, len(sent), step):
                data.sendall(sent[at:at + step])
                cut(tunnel)
        assert control.reply().startswith("226")
        assert (server.root / "incoming/up.bin").read_bytes() == sent
    (server.root / "incoming/up.bin").unlink()
    scene.fact("the same while their carriers are cut, and the control connection lives on")


def cut(tunnel):
    wait_for("a carrier to cut", tunnel.cut_carriers)
    tunnel.wait_for_session()


def many_at_once(scene, network, place):
    def one(_):
        return curl(network.inside("client"), place, "hello.txt").stdout
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        got = list(pool.map(one, range(PARALLEL)))
    assert got == PARALLEL * ["hello\n"]
    scene.fact(f"{PARALLEL} at once")


def abort(scene, network, place):
    with Control(network, place) as control:
        with control.dial(control.passive()) as data:
            assert control.ask("RETR big.bin").startswith("150")
            assert len(data.recv(1000)) > 0
            # As RFC 959 section 4.1.3 wants it: Telnet's IP, and Synch with its mark urgent.
            control.socket.sendall(b"\xff\xf4\xff", socket.MSG_OOB)
            control.socket.sendall(b"\xf2ABOR\r\n")
            while data.recv(1 << 16):
                pass
        # One answer to the transfer and one to ABOR; or one for both, as the server sees it.
        answers = [control.ask("NOOP")]
        while not answers[-1].startswith("200"):
            answers.append(control.reply())
        assert answers[0][:3] in ("426", "225", "226"), answers
        fetch(control)
    scene.fact("ABOR in the middle of a transfer, behind Telnet's signals, and another one after it")


def is_refused(control, port):
    try:
        control.dial(port).close()
    except ConnectionError:  # Refused, or reset as it closes.
        return True
    return False


def doors_are_for_one(scene, network, place):
    with Control(network, place) as control:
        port = control.passive()
        try:
            with control.dial(port, "other") as stranger:
                assert stranger.recv(1) == b""
        except ConnectionResetError:
            pass  # Perhaps before connect() has returned.
        fetch(control, port)
        assert is_refused(control, port)
        scene.fact("a door is for the client's address, and for one connection")
        port = control.passive()
    wait_for("the door to close", lambda: is_refused(control, port))
    scene.fact("it closes with its control connection")


def no_bounce(scene, network, place):
    """The server believes in what it is told, and somebody else never hears of it."""
    with on_host(network, "other"):
        victim = socket.create_server((network.addresses["other"], 0))
    victim.settimeout(1)
    port = victim.getsockname()[1]
    with victim, Control(network, place) as control:
        host = network.addresses["other"].replace(".", ",")
        if control.ask(f"PORT {host},{port >> 8},{port & 255}").startswith("200"):
            if control.ask("NLST").startswith("150"):
                control.reply()
        try:
            victim.accept()
            raise AssertionError("it was bounced")
        except TimeoutError:
            pass
        fetch(control)
    scene.fact("a PORT with another's address leads nowhere")


def a_kill_ends_control_connections(scene, network, tunnel, place):
    with Control(network, place) as control:
        tunnel.home.process.kill()
        tunnel.start_home()
        try:
            assert control.reply() == ""
        except ConnectionResetError:
            pass
    with Control(network, place) as control:
        fetch(control)
    scene.fact("where nobody keeps descriptors for relayd, who was in the middle when the home was "
               "killed reads an end, and comes again")


def data_ports_are_kept_to(scene, network, tunnel, server):
    place = forward(scene, network, tunnel, server, "--data-ports", "19000-19001")
    with Control(network, place) as one, Control(network, place) as other:
        assert {one.passive(), other.passive()} == {19000, 19001}
        with Control(network, place) as third:
            assert third.ask("EPSV").startswith("425")
            fetch(one)
            fetch(third)
        fetch(other)
    [shown] = [each for each in tunnel.relay.ask("forward", "list")["forwards"] if "data_ports" in each]
    assert (shown["protocol"], shown["data_ports"], shown["ftp_tls"]) == ("ftp", "19000-19001", "pass")
    scene.fact("with data-ports they come to these, one for each, and else there is a 425")


def main():
    with Scene() as scene, Network("relay", "home", "client", "other") as network:
        server = FtpServer.vsftpd(scene, within=network.inside("home"))
        # Nobody is counted who comes often: that is not what is tried here.
        tunnel = Tunnel(scene, server.port, network=network, relay_settings={
            "guard": json.dumps({"always": ["10.78.0.0/24"]})})
        place = forward(scene, network, tunnel, server)
        clients_work(scene, network, place, server)
        big_files_are_equal(scene, network, place, server)
        cuts_are_survived(scene, network, tunnel, place, server)
        many_at_once(scene, network, place)
        abort(scene, network, place)
        doors_are_for_one(scene, network, place)
        no_bounce(scene, network, place)
        data_ports_are_kept_to(scene, network, tunnel, server)
        a_kill_ends_control_connections(scene, network, tunnel, place)


if __name__ == "__main__":
    main()
