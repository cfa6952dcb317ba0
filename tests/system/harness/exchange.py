"""As many bytes each way at the same time, over one connection, told apart by their SHA-256."""

import hashlib
import os
import threading

from harness.clients import CHUNK, connect


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
