"""A middlebox: takes connections, and passes their bytes on to somewhere else until told to stop."""

import contextlib
import socket
import threading

CHUNK = 1 << 16


class Passage:
    def __init__(self, scene, onward):
        self.port = scene.free_port()
        self._onward = onward  # A port of 127.0.0.1.
        self._pairs = []
        listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def finish(self):
        """Says FIN to both ends of every connection, and passes nothing on from then."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for connection in pair:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)

    def _accept(self, listener):
        while True:
            near, _ = listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self._onward))
            except OSError:
                near.close()
                continue
            self._pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass(source, sink):
        with contextlib.suppress(OSError):
            while part := source.recv(CHUNK):
                sink.sendall(part)
        for connection in (source, sink):  # Its other thread ends by this, too.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        source.close()
