"""Servers of a few lines, for what real ones cannot be made to do on demand."""

import contextlib
import os
import queue
import socket
import struct
import threading

from harness.clients import CHUNK


def reset(connection):
    """Ends a connection by RST, as a program does that dies with unread bytes."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def echo(connection):
    while part := connection.recv(CHUNK):
        connection.sendall(part)


class Target:
    """Serves each connection by `serve`, in a thread of its own: on a port, or on the unix socket of
    a path."""

    def __init__(self, scene, serve, path=None):
        self._serve = serve
        self._results = queue.Queue()
        if path is None:
            self.port = scene.free_port()
            self._listener = socket.create_server(("127.0.0.1", self.port))
        else:
            self._listener = self._listen_on(os.fspath(path))
        threading.Thread(target=self._accept, daemon=True).start()

    @staticmethod
    def _listen_on(path):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(128)
        return listener

    def result(self, seconds=30):
        """What `serve` returned for the connection that was done next; raises what it raised."""
        outcome = self._results.get(timeout=seconds)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _accept(self):
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        connection.settimeout(120)
        with connection:
            try:
                self._results.put(self._serve(connection))
            except Exception as fault:  # Handed to the test by result().
                self._results.put(fault)


class Service(Target):
    """Serves for hours, and remembers nothing."""

    def _run(self, connection):
        connection.settimeout(120)
        with connection, contextlib.suppress(Exception):  # The visitor sees what is wrong.
            self._serve(connection)
