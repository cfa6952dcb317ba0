"""Forwards to FTP servers, and a client of them that does what it is told."""

import re
import socket

from harness.netns import on_host
from harness.relayd import HOME_NAME


def forward(scene, network, tunnel, server, *options, address=None):
    """HOST and PORT of a new forward to the server, as the client reaches it."""
    host = address or network.addresses["relay"]
    port = scene.free_port()
    shown = f"[{host}]" if ":" in host else host
    tunnel.relay.relayctl("forward", "add", f"{shown}:{port}", "--home", HOME_NAME, "--to",
                          server.place, "--protocol", "ftp", "--probe", "none", *options)
    scene.wait_for_port(port, tunnel.relay.process, within=tunnel.relay.within)
    return shown, port


class Control:
    """A control connection, logged in."""

    def __init__(self, network, place):
        with on_host(network, "client"):
            self.socket = socket.create_connection((place[0].strip("[]"), place[1]), timeout=60)
        self._network, self._host, self._text = network, place[0].strip("[]"), ""
        assert self.reply().startswith("220")
        for line in ("USER anonymous", "PASS x", "TYPE I"):
            assert self.ask(line)[0] in "23"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def reply(self):
        """The next one's last line; "" at the end."""
        while not (found := re.search(r"^\d{3} .*\r\n", self._text, re.MULTILINE)):
            part = self.socket.recv(4096).decode()
            if not part:
                return ""
            self._text += part
        self._text = self._text[found.end():]
        return found[0]

    def say(self, *lines):
        self.socket.sendall("".join(line + "\r\n" for line in lines).encode())

    def ask(self, line):
        self.say(line)
        return self.reply()

    def passive(self):
        """The port of a 229."""
        return int(re.search(r"\|\|\|(\d+)\|", self.ask("EPSV"))[1])

    def dial(self, port, host="client"):
        with on_host(self._network, host):
            return socket.create_connection((self._host, port), timeout=60)

    def listen(self):
        """For an active transfer; what the server is to be told of it, too."""
        here = self.socket.getsockname()[0]
        with on_host(self._network, "client"):
            listener = socket.create_server((here, 0))
        listener.settimeout(60)
        return listener, f"EPRT |1|{here}|{listener.getsockname()[1]}|"


def fetch(control, port=None):
    with control.dial(port or control.passive()) as data:
        control.socket.sendall(b"RETR hello.txt\r\n")
        assert data.recv(100) == b"hello\n"
        assert data.recv(100) == b""
    assert control.reply().startswith("150") and control.reply().startswith("226")
