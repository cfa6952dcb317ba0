"""What makes relayd say much, and tells whether it hangs meanwhile."""

import json
import re
import socket
import threading
import time

LONG_NAME = "x" * 3500
LINES_SAID = 1200  # Of 3.5 kB each: more than a pipe or the journal's socket, and relayd's queue, hold.


class ControlClient:
    """One connection to a control socket."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._socket.settimeout(20)
        self._lines = self._socket.makefile("rw", encoding="utf-8")
        self._lines.write('{"relay-control":1}\n')
        self._lines.flush()
        self._lines.readline()

    def ask(self, number, method, **fields):
        self._lines.write(json.dumps({"id": number, "do": method, "with": fields}) + "\n")
        self._lines.flush()
        return json.loads(self._lines.readline())


class Pinging:
    """Has an echo all the time; `longest` is the worst answer in seconds."""

    def __init__(self, connection):
        self._connection = connection
        self._ends = threading.Event()
        self.count, self.longest, self.fault = 0, 0.0, None
        self._thread = threading.Thread(target=self._ping)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()

    def _ping(self):
        try:
            while not self._ends.wait(0.005):
                begun = time.monotonic()
                self._connection.sendall(b"ping")
                if self._connection.recv(4, socket.MSG_WAITALL) != b"ping":
                    raise EOFError("the stream ended")
                self.longest = max(self.longest, time.monotonic() - begun)
                self.count += 1
        except OSError as fault:
            self.fault = fault


def say_much(control):
    """Each refusal is a line with the name that was asked for."""
    client = ControlClient(control)
    for number in range(LINES_SAID):
        answer = client.ask(number, "sessions.close", session=f"{number:06}{LONG_NAME}")
        assert answer["error"]["code"] == "not-found", answer


def numbers_in(text):
    """Of the lines that say_much() caused."""
    return [int(found) for found in re.findall(r"sessions\.close by .*no session \"(\d{6})x", text)]
