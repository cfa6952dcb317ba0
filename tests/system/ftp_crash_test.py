#!/usr/bin/env python3
"""Relay and home are killed and restarted while FTP is spoken through them: control connections, what
was announced on them and transfers go on, and no byte is lost or doubled.

ftp_crash_test.py [--kills N] [--seed N]
"""

import argparse
import filecmp
import ftplib
import hashlib
import json
import os
import random
import signal
import ssl
import subprocess

from harness.ftp import FtpServer, curl
from harness.ftp_control import Control, fetch, forward
from harness.keeper import KeptTunnel
from harness.netns import on_host
from harness.parts import make_certificate
from harness.processes import Scene, wait_for
from testhost import Network

BIG_BYTES = 100 << 20
AHEAD = 20  # Commands at once.
ANSWERS = 100  # Between two kills, at most.
CHUNK = 1 << 16
TLS_PORTS = range(18300, 18310)
SLOW = "50M"  # A second, so that there is a middle of it.


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=24, help="while commands go back and forth")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    return parser.parse_args()


class Killer:
    """Ends relay, home or both, by turns and in any way, and has the next process go on."""

    def __init__(self, tunnel, chance):
        self.tunnel, self.chance, self.count = tunnel, chance, 0

    def __call__(self, *, both=True):
        victims = [[self.tunnel.relay], [self.tunnel.home]]
        if both:
            victims.append([self.tunnel.relay, self.tunnel.home])
        for victim in (chosen := victims[self.count % len(victims)]):
            victim.end(self.chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
        for victim in chosen:
            victim.go_on()
        self.count += 1


def questions(server, chance):
    """Commands and what their answers begin with: no two files have one size."""
    files = sorted((server.root / "tree").iterdir())

    def one():
        kind = chance.randrange(10)
        if kind == 0:
            return "NOOP", "200 "
        if kind == 1:
            return "PWD", "257 "
        if kind == 2:
            return "EPSV", "229 "
        if kind == 3:
            return "PASV", "227 "
        file = chance.choice(files)
        return f"SIZE tree/{file.name}", f"213 {file.stat().st_size}\r\n"
    return one


def answers_are_right(scene, network, place, server, kill, wish):
    chance, one, asked = random.Random(wish.seed), questions(server, random.Random(wish.seed)), 0
    here = f"({place[0].replace('.', ',')},"
    with Control(network, place) as control:
        for _ in range(wish.kills):
            at = chance.randrange(ANSWERS)
            for number in range(0, ANSWERS, AHEAD):
                batch = [one() for _ in range(AHEAD)]
                control.say(*(command for command, _ in batch))
                for index, (command, expected) in enumerate(batch, number):
                    if index == at:
                        kill()
                    answer = control.reply()
                    assert answer.startswith(expected), (command, expected, answer)
                    assert expected != "227 " or here in answer, answer
            asked += ANSWERS
        fetch(control)
    scene.fact(f"{asked} commands through {wish.kills} kills and restarts: each has its answer, in order")


def lines_in_two_parts(scene, network, place, server, kill):
    size = (server.root / "tree/file07").stat().st_size
    with Control(network, place) as control:
        for front, back, expected in 3 * [("SIZE tree/fi", "le07\r\n", f"213 {size}\r\n"),
                                          ("EP", "SV\r\nNOOP\r\n", "229 "),
                                          ("EPSV", " 1\r\nNOOP\r\n", "229 ")]:
            control.socket.sendall(front.encode())
            # It is on its way, anywhere.
            kill()
            control.socket.sendall(back.encode())
            assert (answer := control.reply()).startswith(expected), answer
            if "NOOP" in back:
                assert control.reply().startswith("200")
    scene.fact("a command of which a part had come is not lost and not doubled")


def doors_stay_open(scene, network, place, kill):
    with Control(network, place) as control:
        for _ in range(3):
            port = control.passive()
            kill()
            fetch(control, port)
            listener, command = control.listen()
            with listener:
                assert control.ask(command).startswith("200")
                kill()
                control.say("RETR hello.txt")
                with listener.accept()[0] as data:
                    assert data.recv(100) == b"hello\n"
                    assert data.recv(100) == b""
                assert control.reply().startswith("150") and control.reply().startswith("226")
    scene.fact("what was announced before a kill leads to the file after it, passive and active")


def digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def transfers_by_hand(scene, network, place, server, kill):
    """Down and up at once, by Python's ftplib, killed at each third; then the same connections go on."""
    big, step = server.root / "big.bin", BIG_BYTES // 3
    got, seen = hashlib.sha256(), 0
    with on_host(network, "client"):
        down, up = ftplib.FTP(), ftplib.FTP()
        for each in (down, up):
            each.connect(*place, timeout=120)
            each.login()
        with down.transfercmd("RETR big.bin") as source, up.transfercmd("STOR incoming/up.bin") as sink:
            while part := source.recv(CHUNK):
                if seen // step != (seen + len(part)) // step:
                    kill()
                got.update(part)
                seen += len(part)
                sink.sendall(part)
        assert seen == BIG_BYTES and got.hexdigest() == digest(big)
        for each in (down, up):
            assert each.voidresp().startswith("226")
            assert "hello.txt" in each.nlst()
            lines = []
            each.retrlines("RETR hello.txt", lines.append)
            assert lines == ["hello"]
        assert digest(server.root / "incoming/up.bin") == digest(big)
        for each in (down, up):
            assert each.quit().startswith("221")
    scene.fact(f"ftplib: {BIG_BYTES >> 20} MiB each way are equal, and their control connections go on "
               "with a list and another file")


def started(network, *command):
    return subprocess.Popen([*network.inside("client"), *map(str, command)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def killed_meanwhile(client, file, kill):
    """The client's process, of which `file` shows how far it is."""
    for third in (1, 2):
        wait_for("a part of it", lambda least=third * BIG_BYTES // 3:
                 file.exists() and file.stat().st_size >= least, 120)
        kill(both=False)
    out, errors = client.communicate(timeout=200)
    assert client.returncode == 0, out + errors


def transfers_by_programs(scene, network, place, server, kill):
    url, big = f"ftp://{place[0]}:{place[1]}", server.root / "big.bin"
    for name, active in ("curl", ()), ("curl, active", ("--ftp-port", "-")):
        down, up = scene.path("copies", f"{len(active)}.bin"), server.root / f"incoming/{len(active)}.bin"
        rate = ("-sS", "--max-time", "200", "--limit-rate", SLOW, *active)
        killed_meanwhile(started(network, "curl", *rate, "-o", down, f"{url}/big.bin"), down, kill)
        killed_meanwhile(started(network, "curl", *rate, "-T", big, f"{url}/incoming/{up.name}"), up, kill)
        assert filecmp.cmp(big, down, shallow=False) and filecmp.cmp(big, up, shallow=False)
        scene.fact(f"{name}: the same each way, through two kills each")
    down, up = scene.path("copies", "lftp.bin"), server.root / "incoming/lftp.bin"
    script = "; ".join(["set net:max-retries 1", "set net:timeout 60", "set ftp:ssl-allow no",
                        "set net:limit-rate 50M:50M", f"open {url}", f"get big.bin -o {down}",
                        f"put {big} -o incoming/lftp.bin", "cls -1 hello.txt", "cat hello.txt"])
    client = started(network, "lftp", "--norc", "-c", script)
    for file in (down, up):
        wait_for("a part of it", lambda of=file: of.exists() and of.stat().st_size >= BIG_BYTES // 2, 120)
        kill(both=False)
    out, errors = client.communicate(timeout=200)
    assert client.returncode == 0 and out == "hello.txt\nhello\n", out + errors
    assert filecmp.cmp(big, down, shallow=False) and filecmp.cmp(big, up, shallow=False)
    scene.fact("lftp: down, up, a list and another file by one connection, which it need not make anew")


def tls_server(scene, network):
    certificate, key = make_certificate(scene.path("tls", "x").parent)
    return FtpServer.vsftpd(scene, within=network.inside("home"), more="\n".join([
        "ssl_enable=YES", "allow_anon_ssl=YES", "force_local_logins_ssl=NO", "force_local_data_ssl=NO",
        "require_ssl_reuse=NO", f"rsa_cert_file={certificate}", f"rsa_private_key_file={key}",
        f"pasv_min_port={TLS_PORTS[0]}", f"pasv_max_port={TLS_PORTS[-1]}",
        f"pasv_address={network.addresses['relay']}"]))


def tls_goes_on(scene, network, tunnel, kill, wish):
    server, ports = tls_server(scene, network), f"{TLS_PORTS[0]}-{TLS_PORTS[-1]}"
    tunnel.home.relayctl("allow", server.place)
    tunnel.home.relayctl("allow", f"127.0.0.1:{ports}")
    place = forward(scene, network, tunnel, server, "--data-ports", ports)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    one, chance = questions(server, random.Random(wish.seed)), random.Random(wish.seed)
    with on_host(network, "client"):
        client = ftplib.FTP_TLS(context=context, timeout=120)
        client.connect(*place)
        client.login()
        client.voidcmd("TYPE I")
        for _ in range(6):
            at = chance.randrange(ANSWERS)
            for number in range(ANSWERS):
                command, expected = one()
                client.putcmd(command)
                if number == at:
                    kill()
                answer = client.getresp() + "\r\n"
                assert answer.startswith(expected), (command, expected, answer)
        client.prot_p()
        for _ in range(3):
            kill()
            lines = []
            client.retrlines("RETR hello.txt", lines.append)
            assert lines == ["hello"]
        client.quit()
    scene.fact("a control connection in TLS, in which nobody reads, lives through the same, and so does "
               "the range that is open to its client")


def main():
    wish = options()
    print(f"seed {wish.seed}", flush=True)
    with Scene() as scene, Network("relay", "home", "client") as network:
        server = FtpServer.vsftpd(scene, within=network.inside("home"))
        big = server.root / "big.bin"
        big.write_bytes(os.urandom(BIG_BYTES))
        big.chmod(0o644)
        tunnel = KeptTunnel(scene, server.port, network=network, relay_settings={
            "guard": json.dumps({"always": ["10.78.0.0/24"]})})
        session = tunnel.wait_for_session()["id"]
        place = forward(scene, network, tunnel, server)
        kill = Killer(tunnel, random.Random(wish.seed))
        answers_are_right(scene, network, place, server, kill, wish)
        lines_in_two_parts(scene, network, place, server, kill)
        doors_stay_open(scene, network, place, kill)
        transfers_by_hand(scene, network, place, server, kill)
        transfers_by_programs(scene, network, place, server, kill)
        tls_goes_on(scene, network, tunnel, kill, wish)
        assert curl(network.inside("client"), place, "hello.txt").stdout == "hello\n"
        assert tunnel.wait_for_session(60)["id"] == session
        scene.fact(f"{kill.count} kills and restarts, and one session")


if __name__ == "__main__":
    main()
