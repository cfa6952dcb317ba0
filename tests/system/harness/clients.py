"""Real clients, as visitors use them. All of them connect to 127.0.0.1, or to a unix socket."""

import hashlib
import os
import socket
import struct

from harness.desktops import start_display
from harness.processes import run, wait_for

HOST = "127.0.0.1"
CHUNK = 1 << 20


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as content:
        while part := content.read(CHUNK):
            digest.update(part)
    return digest.hexdigest()


def random_file(path, size):
    """A file of `size` bytes that no compression shortens; returns its path."""
    with open(path, "wb") as output:
        for begin in range(0, size, CHUNK):
            output.write(os.urandom(min(CHUNK, size - begin)))
    return path


def connect(place, seconds=20):
    """To a port, or to the unix socket of a path."""
    if not isinstance(place, os.PathLike):
        return socket.create_connection((HOST, place), timeout=seconds)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(seconds)
    connection.connect(os.fspath(place))
    return connection


def read_to_end(connection):
    """All that still comes until the other end is done."""
    parts = []
    while part := connection.recv(CHUNK):
        parts.append(part)
    return b"".join(parts)


class SshClient:
    def __init__(self, scene, server, port):
        self._config = scene.path("ssh", "ssh_config")
        self._port = port
        self._config.write_text(f"""
IdentityFile {server.folder}/id
IdentitiesOnly yes
UserKnownHostsFile {self._config.parent}/known_hosts
StrictHostKeyChecking accept-new
BatchMode yes
ConnectTimeout 20
""")

    def command(self, *command):
        """The command line that runs `command` there."""
        return ["ssh", "-F", self._config, "-p", str(self._port), HOST, *command]

    def run(self, *command, **options):
        return run(*self.command(*command), **options).stdout

    def download(self, source, destination):
        run("scp", "-q", "-F", self._config, "-P", self._port, f"{HOST}:{source}", destination)

    def upload(self, source, destination):
        run("scp", "-q", "-F", self._config, "-P", self._port, source, f"{HOST}:{destination}")

    def rsync_from(self, source, destination):
        run("rsync", "-a", "-e", f"ssh -F {self._config} -p {self._port}", f"{HOST}:{source}/",
            f"{destination}/")


def curl(*arguments, **options):
    return run("curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "120",
               *arguments, seconds=130, **options).stdout


def redis_cli(port, *words):
    return run("redis-cli", "-h", HOST, "-p", port, *words).stdout


def psql(port, statement):
    return run("psql", "-h", HOST, "-p", port, "-U", "postgres", "-XAtc", statement).stdout


def colours_of_xwd(image):
    """How many colours an X window dump shows. Only the format our X servers make: 32 bits a pixel."""
    header = struct.unpack(">25I", image[:100])
    header_size, width, height, colour_entries = header[0], header[4], header[5], header[19]
    bits_per_pixel, bytes_per_line = header[11], header[12]
    if (bits_per_pixel, bytes_per_line) != (32, 4 * width):
        raise ValueError(f"{bits_per_pixel} bits a pixel, {bytes_per_line} bytes a line")
    begin = header_size + 12 * colour_entries
    pixels = image[begin:begin + height * bytes_per_line]
    return len(set(memoryview(pixels).cast("I")))


class RdpClient:
    """xfreerdp on an X server of its own."""

    def __init__(self, scene, name):
        self._scene, self._name = scene, name
        self._environment = start_display(scene, name, "Xvfb", "-screen", "0", "1152x864x24",
                                          "-nolisten", "tcp", "-ac")
        self.process = None

    def connect(self, port, *options, host=HOST):
        self.process = self._scene.start(self._name, "xfreerdp", f"/v:{host}:{port}", "/cert:ignore",
                                         "/t:remote", *options, env=self._environment)
        self._window()

    def wait_for_picture(self, colours):
        """Returns the number of colours on the screen once there are more than `colours`."""
        def enough():
            self._check_alive()
            seen = self._colours()
            return seen if seen > colours else 0
        return wait_for(f"a picture of more than {colours} colours", enough, 30)

    def type_line(self, text):
        run("xdotool", "windowfocus", "--sync", self._window(), env=self._environment)
        run("xdotool", "type", "--delay", "20", text, env=self._environment)
        run("xdotool", "key", "Return", env=self._environment)

    def disconnect(self):
        self.process.stop()

    def _window(self):
        def shown():
            self._check_alive()
            found = run("xdotool", "search", "--name", "^remote$", env=self._environment, check=False)
            return found.stdout.split()
        return wait_for("the client's window", shown, 30)[0]

    def _colours(self):
        dump = self._scene.path(self._name, "screen.xwd")
        run("xwd", "-silent", "-root", "-out", dump, env=self._environment)
        return colours_of_xwd(dump.read_bytes())

    def _check_alive(self):
        if not self.process.running():
            raise RuntimeError(f"{self._name} ended with {self.process.wait(0)}")
