"""As many bytes each way at the same time, over one connection, told apart by their SHA-256."""

import concurrent.futures
import contextlib
import hashlib
import os
import socket
import threading

from harness.clients import CHUNK, connect
from harness.processes import wait_for


class Exchange:
    """Sends `sent` and reads as much at the same time."""

    def __init__(self, sent):
        self.sent = sent
        self.received = 0
        self._changed = threading.Condition()
        self._may_receive = len(sent)

    def hold_at(self, received):
        """Reads no more than so many bytes in all, until told otherwise."""
        with self._changed:
            self._may_receive = received
            self._changed.notify()

    def run(self, connection):
        """The digest of what came."""
        sender = threading.Thread(target=connection.sendall, args=(self.sent,))
        sender.start()
        digest = hashlib.sha256()
        while self.received < len(self.sent):
            with self._changed:
                self._changed.wait_for(lambda: self.received < self._may_receive)
            part = connection.recv(CHUNK)
            if not part:
                raise EOFError(f"the connection ended after {self.received} bytes")
            digest.update(part)
            self.received += len(part)
        sender.join()
        return digest.hexdigest()


class Visitor(Exchange):
    """Connects at once, and exchanges `size` bytes when told to."""

    def __init__(self, port, size):
        super().__init__(os.urandom(size))
        self.connection = connect(port, seconds=120)

    def visit(self):
        with self.connection:
            return self.run(self.connection)


class Transfer:
    """Visitors that exchange `answer` and as much with a target that runs Exchange(answer), step by
    step: so that each disaster finds bytes on their way in both directions."""

    def __init__(self, port, target, answer, streams, steps):
        self._target, self._answer, self._steps = target, answer, steps
        self._step = 0
        self._visitors = [Visitor(port, len(answer)) for _ in range(streams)]
        self._pool = concurrent.futures.ThreadPoolExecutor(streams)
        self._hold(1)
        self._visits = [self._pool.submit(visitor.visit) for visitor in self._visitors]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Whatever became of it, nobody waits for more steps."""
        for visitor in self._visitors:
            visitor.hold_at(len(self._answer))
            with contextlib.suppress(OSError):
                visitor.connection.shutdown(socket.SHUT_RDWR)
        self._pool.shutdown()

    def next(self):
        """Returns once half of the step's bytes have come, and lets those of the next one come."""
        wanted = len(self._visitors) * len(self._answer) * (2 * self._step + 1) // (2 * self._steps + 2)
        wait_for(f"the bytes of step {self._step}",
                 lambda: sum(each.received for each in self._visitors) >= wanted, 60)
        self._step += 1
        self._hold(self._step + 1)

    def end(self):
        """Returns once all have come; raises if any is wrong."""
        for visitor in self._visitors:
            visitor.hold_at(len(self._answer))
        came = {visit.result(120) for visit in self._visits}
        assert came == {hashlib.sha256(self._answer).hexdigest()}, "other bytes came"
        assert {self._target.result() for _ in self._visitors} == {
            hashlib.sha256(visitor.sent).hexdigest() for visitor in self._visitors}

    def _hold(self, step):
        for visitor in self._visitors:
            visitor.hold_at(len(self._answer) * step // (self._steps + 1))
