#!/usr/bin/env python3
"""No secret in any log or message, at log level debug: tokens, proxy passwords, private keys."""

import base64
import contextlib
import json
import re
import socket
import threading

from harness.clients import connect
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME, Daemon, build_folder
from harness.targets import Service, echo

USER, PASSWORD, WRONG_PASSWORD = "jane", "Kh7Wq2xTz9Lm", "Pv3Rn8yBc5Dd"
SOCKS_PASSWORD = "Gs6Xf4uJe1Qo"
HEADER_SECRET = "Zt5Yk0aWm8Vi"


def basic(password):
    return base64.b64encode(f"{USER}:{password}".encode()).decode()


def pump(source, sink):
    with contextlib.suppress(OSError):
        while part := source.recv(1 << 16):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


def strict_proxy(connection):
    """HTTP CONNECT for who has the password; says what it was sent to who has not."""
    while True:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                return
            head += byte
        if f"Proxy-Authorization: Basic {basic(PASSWORD)}".encode() in head:
            break
        # A proxy that echoes what it was sent, as some do in their error pages.
        connection.sendall(b"HTTP/1.1 407 Wanted: " + head.split(b"\r\n")[0] +
                           b"\r\nProxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n")
    host, port = re.match(rb"CONNECT ([^:]+):(\d+)", head).groups()
    with socket.create_connection((host.decode(), int(port))) as far:
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        threading.Thread(target=pump, args=(far, connection), daemon=True).start()
        pump(connection, far)


def key_secrets(file):
    """Of an OpenSSH private key: the lines that hold more than the public half, and the 32 bytes."""
    body = file.read_text().splitlines()[1:-1]
    content = base64.b64decode("".join(body))
    at = content.index(b"\0\0\0\x40") + 4  # The seed, and the public key after it.
    seed = content[at:at + 32]
    encoded = base64.b64encode(seed).decode()
    return [*body[2:], seed.hex(), encoded.rstrip("=")]


def join(scene, relay, said):
    """A machine joins, first with a token that is wrong; what was said is kept."""
    program, word, url, token = relay.relayctl("invite", "joined").stdout.split()
    assert (program, word) == ("relayd", "join")
    wrong = ("A" if token[60] != "A" else "B").join((token[:60], token[61:]))
    folder = scene.path("joined", "x").parent
    common = ["--config", folder / "relayd.yaml", "--state-dir", folder / "state", "--no-start",
              "--log-level", "debug"]
    for each in (wrong, token):
        done = run(build_folder() / "daemon/relayd", "join", url, each, *common, check=False)
        said.append(done.stdout + done.stderr)
    assert done.returncode == 0, done
    return [token, wrong, token[40:]], folder / "state/id_ed25519"


def try_proxy(scene, relay, name, url, succeeds):
    home = Daemon(scene, name)
    file = scene.path(name, "relayd.yaml")
    file.write_text("\n".join([
        "home:", f"  name: {HOME_NAME}", f"  relay: wss://127.0.0.1:{relay.port}", f'  proxy: "{url}"',
        f'  proxy-headers: [ "X-Pass: {HEADER_SECRET}" ]', '  allow: [ "127.0.0.1:*" ]', ""]))
    if succeeds:
        relay.relayctl("home", "add", HOME_NAME, home.public_key())
    home.start("--config", file)
    if succeeds:
        wait_for("the session", lambda: relay.ask("sessions")["sessions"])
    else:
        wait_for("a failure", lambda: "cannot connect" in home.log(), 60)
    shown = [home.relayctl("status").stdout, home.relayctl("--json", "status").stdout,
             home.relayctl("sessions").stdout]
    return home, shown


def main():
    with Scene() as scene:
        target, proxy = Service(scene, echo), Service(scene, strict_proxy)
        relay = Daemon(scene, "relay")
        relay.port = scene.free_port()
        relay.start("relay", "--listen", f"wss://127.0.0.1:{relay.port}")
        said = []
        tokens, joined_key = join(scene, relay, said)

        good = f"http://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}"
        nobody = scene.free_port()
        refused, shown = try_proxy(scene, relay, "refused",
                                   f"http://{USER}:{WRONG_PASSWORD}@127.0.0.1:{proxy.port}", False)
        said += shown
        absent, shown = try_proxy(scene, relay, "absent",
                                  f"socks5://{USER}:{SOCKS_PASSWORD}@127.0.0.1:{nobody}", False)
        said += shown
        home, shown = try_proxy(scene, relay, "home", good, True)
        said += shown
        port = scene.free_port()
        relay.relayctl("forward", "add", str(port), "--home", HOME_NAME, "--to", f"127.0.0.1:{target.port}")
        with connect(port) as visitor:
            visitor.sendall(b"x")
            assert visitor.recv(1) == b"x"
        said.append(json.dumps(relay.ask("invites")))
        # A file that is wrong in the very line that has the password.
        broken = scene.path("broken.yaml")
        broken.write_text(f'home:\n  proxy: "http//{USER}:{PASSWORD}@proxy"\n  bogus: 1\n')
        checked = run(build_folder() / "daemon/relayd", "check", broken, check=False)
        assert checked.returncode == 2, checked
        said.append(checked.stdout + checked.stderr)

        logs = [each.log() for each in (relay, refused, absent, home)]
        assert all(" debug " in log for log in logs[1:]), "not at level debug"
        text = "\n".join([*logs, *said])
        assert "cannot connect" in text and f"home={HOME_NAME}" in text
        secrets = {
            "an invitation's token": tokens,
            "a proxy's password": [PASSWORD, WRONG_PASSWORD, SOCKS_PASSWORD, HEADER_SECRET,
                                   basic(PASSWORD), basic(WRONG_PASSWORD)],
            "a private key": [line for file in (relay.state / "id_ed25519", home.state / "id_ed25519",
                                                joined_key) for line in key_secrets(file)],
        }
        for name, values in secrets.items():
            for value in values:
                lines = [line for line in text.splitlines() if value in line]
                assert not lines, f"{name} is shown: {lines}"
            scene.fact(f"{name} is in none of {len(text.splitlines())} lines")


if __name__ == "__main__":
    main()
