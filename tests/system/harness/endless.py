"""Connections that are busy both ways until they are told to stop, each byte compared with the one
that must stand at its place."""

import contextlib
import os
import socket
import threading

from harness.clients import connect

POOL_BYTES = 1 << 20
PART_BYTES = 1 << 16
PATIENCE = 120


class Endless:
    """One end: sends the pool over and over, and compares what comes with the other end's."""

    def __init__(self, sends, expects):
        self._sends = memoryview(sends + sends[:PART_BYTES])
        self._expects = memoryview(expects + expects[:PART_BYTES])
        self._stop = threading.Event()
        self.sent = 0
        self.received = 0

    def stop(self):
        self._stop.set()

    def run(self, connection):
        """(sent, received), once both ends have said their last byte."""
        sender = threading.Thread(target=self._send, args=(connection,))
        sender.start()
        try:
            while part := connection.recv(PART_BYTES):
                place = self.received % POOL_BYTES
                if part != self._expects[place:place + len(part)]:
                    raise ValueError(f"other bytes than were sent, after {self.received}")
                self.received += len(part)
        finally:
            self.stop()
            sender.join()
        return self.sent, self.received

    def _send(self, connection):
        with contextlib.suppress(OSError):  # Whoever reads hears of it too.
            while not self._stop.is_set():
                place = self.sent % POOL_BYTES
                self.sent += connection.send(self._sends[place:place + PART_BYTES])
            connection.shutdown(socket.SHUT_WR)


class Crowd:
    """Visitors of one port, and what the target beside the home does with each."""

    def __init__(self, count):
        self._pools = os.urandom(POOL_BYTES), os.urandom(POOL_BYTES)
        self.count = count
        self.visitors = []
        self._outcomes = []
        self._threads = []

    def serve(self, connection):
        """For a Target."""
        connection.settimeout(PATIENCE)
        return Endless(self._pools[1], self._pools[0]).run(connection)

    def come(self, port, where=contextlib.nullcontext):
        """`where` makes what they connect in: on_host() of another host."""
        for _ in range(self.count):
            visitor = Endless(*self._pools)
            self.visitors.append(visitor)
            thread = threading.Thread(target=self._visit, args=(port, visitor, where), daemon=True)
            self._threads.append(thread)
            thread.start()

    def moved(self):
        """Bytes that all visitors have sent and received so far."""
        return sum(visitor.sent + visitor.received for visitor in self.visitors)

    def broken(self):
        return [outcome for outcome in list(self._outcomes) if isinstance(outcome, Exception)]

    def leave(self):
        """What each has sent and received, sorted; raises what went wrong."""
        for visitor in self.visitors:
            visitor.stop()
        for thread in self._threads:
            thread.join(PATIENCE)
        for outcome in self._outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        assert len(self._outcomes) == self.count, "a visitor never came to its end"
        return sorted(self._outcomes)

    def _visit(self, port, visitor, where):
        try:
            with where():
                connection = connect(port, PATIENCE)
            with connection:
                self._outcomes.append(visitor.run(connection))
        except Exception as fault:  # Raised by leave().
            self._outcomes.append(fault)
