"""What systemd does for a service that keeps descriptors with it, without a machine to boot.

    relay = Kept(Daemon(...)): the same relayd, but what it stores (sd_notify FDSTORE=1) is kept and
    handed to the next process (LISTEN_FDS), however the former one ended.
"""

import array
import contextlib
import fcntl
import os
import signal
import socket
import threading

from harness.processes import wait_for
from harness.relayd import Daemon, Tunnel

FIRST_PASSED = 3  # SD_LISTEN_FDS_START
WITH_OWN_PID = 'LISTEN_PID=$$ exec "$@"'


class DescriptorStore:
    """The service manager's side: hears the service's messages and keeps what it is given."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._lock = threading.Lock()
        self.path = path
        self.kept = []  # (name, descriptor)
        self.states = []
        threading.Thread(target=self._hear, daemon=True).start()

    def names(self):
        with self._lock:
            return sorted(name for name, _ in self.kept)

    def hear_everything(self):
        """What a process that is no more has said at last."""
        with self._lock, contextlib.suppress(BlockingIOError):
            while True:
                self._take(socket.MSG_DONTWAIT)

    def arguments(self):
        """For subprocess.Popen, so that the next process gets all of it."""
        kept = list(self.kept)

        def hand_over():
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 500) for _, fd in kept]
            for number, fd in enumerate(high, FIRST_PASSED):
                os.dup2(fd, number)
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.path)}
        if kept:
            environment["LISTEN_FDS"] = str(len(kept))
            environment["LISTEN_FDNAMES"] = ":".join(name for name, _ in kept)
        return {"env": environment, "preexec_fn": hand_over, "close_fds": False}

    def _hear(self):
        while True:
            self._socket.recv(1, socket.MSG_PEEK)
            self.hear_everything()

    def _take(self, flags):
        text, control, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(253 * 4), flags)
        descriptors = array.array("i")
        for _, _, data in control:
            descriptors.frombytes(data[:len(data) - len(data) % descriptors.itemsize])
        said = dict(line.split("=", 1) for line in text.decode().split("\n") if "=" in line)
        self.states.append(said)
        if said.get("FDSTORE") == "1":
            self.kept += [(said["FDNAME"], fd) for fd in descriptors]
        if said.get("FDSTOREREMOVE") == "1":
            for name, fd in [each for each in self.kept if each[0] == said["FDNAME"]]:
                os.close(fd)
                self.kept.remove((name, fd))


class KeptDaemon(Daemon):
    """A relayd whose descriptors are kept, and which can be killed and started again."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.store = DescriptorStore(self.scene.path(self.name, "notify.sock"))
        self._arguments = ()
        self._beginning = False  # Started, and not yet seen to answer.

    def start(self, *arguments):
        self._arguments = arguments or self._arguments
        self.process = self._launch()
        wait_for(f"{self.name} to answer", self._answers)
        return self

    def _launch(self):
        return self.scene.start(
            self.name, *self.within, "sh", "-c", WITH_OWN_PID, "sh", self.build / "daemon/relayd",
            *self._arguments, "--state-dir", self.state, "--control", self.socket,
            "--log-level", self.log_level, **self.store.arguments())

    def end(self, number):
        self.process.signal(number)
        self.process.wait(20)
        self.store.hear_everything()

    def kill(self):
        self.end(signal.SIGKILL)

    def go_on(self):
        """The next process; returns before it is ready. Who asks it something waits until it is."""
        self.process = self._launch()
        self._beginning = True

    def relayctl(self, *words, **options):
        if self._beginning:
            self._beginning = False
            wait_for(f"{self.name} to answer", self._answers)
        return super().relayctl(*words, **options)


class KeptTunnel(Tunnel):
    """A tunnel both of whose ends are kept."""

    daemon = KeptDaemon
