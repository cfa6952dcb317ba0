"""A relayd with fixed answers (control_fake), and clients for it: for the tests of relayctl and of the
control socket. Their arguments are relayctl and control_fake."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

RELAYCTL = sys.argv.pop(1) if len(sys.argv) > 1 else ""
FAKE = sys.argv.pop(1) if len(sys.argv) > 1 else ""


class Fake:
    def __init__(self, path, group="no-such-group"):
        self.path = path
        self.process = subprocess.Popen([FAKE, path, group], stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.PIPE)
        self.ready = self.process.stdout.readline() == "ready\n"

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        _, self.log = self.process.communicate(timeout=20)
        return self.process.returncode


class Raw:
    """A client that speaks the protocol by itself."""

    def __init__(self, path, greet=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        if greet:
            self.send('{"relay-control":1}')
            self.greeting = self.receive()

    def send(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def receive(self):
        """The next line; None at the end."""
        line = self.lines.readline()
        return json.loads(line) if line else None

    def ask(self, line):
        self.send(line)
        return self.receive()

    def close(self):
        self.lines.close()
        self.socket.close()


def command(path, *words, **options):
    environment = {**os.environ, "TZ": "UTC", **options.pop("env", {})}
    return subprocess.run([RELAYCTL, "--control", path, *words], check=False, text=True, timeout=30,
                          capture_output=True, stdin=subprocess.DEVNULL, env=environment, **options)


class WithFake(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="relayd-control.")
        os.chmod(self.folder, 0o755)
        self.path = self.folder + "/run/control.sock"
        self.fake = Fake(self.path)
        self.assertTrue(self.fake.ready)

    def tearDown(self):
        if self.fake.process.poll() is None:
            self.assertEqual(self.fake.stop(), 0, self.fake.log)
        shutil.rmtree(self.folder)

    def ctl(self, *words, expect=0, **options):
        done = command(self.path, *words, **options)
        self.assertEqual(done.returncode, expect, done)
        return done

    def raw(self, **options):
        client = Raw(self.path, **options)
        self.addCleanup(client.close)
        return client
