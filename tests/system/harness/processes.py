"""A test's processes, files and ports, gone at its end however it ends.

    with Scene() as scene:
        server = scene.start("redis", "redis-server", "--port", str(port))
        scene.wait_for_port(port)
        scene.fact("redis listens")

Each process has a log file and a process group of its own, and is ended by that group's id.
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from testhost import wait_for

LOG_LINES_SHOWN = 60


class Process:
    """One started program. Its log holds both its outputs."""

    def __init__(self, name, command, log, **options):
        self.name = name
        self.log = log
        with open(log, "ab") as output:
            self._popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                           stderr=output, start_new_session=True, **options)

    @property
    def pid(self):
        return self._popen.pid

    def running(self):
        return self._popen.poll() is None

    def wait(self, seconds):
        return self._popen.wait(timeout=seconds)

    def stop(self, seconds=3):
        """Asks the whole group to end, and ends what is left of it after `seconds`."""
        self._signal_group(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout=seconds)
        self.kill()

    def signal(self, number):
        """To the program alone."""
        self._popen.send_signal(number)

    def kill(self):
        self._signal_group(signal.SIGKILL)
        self._popen.wait()

    def text(self):
        return self.log.read_text(errors="replace")

    def _signal_group(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Scene:
    def __init__(self):
        self._processes = []
        self._ports = set()

    def __enter__(self):
        if os.geteuid() != 0:
            print("skipped: not root")
            sys.exit(77)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="relayd-test."))
        self.folder.chmod(0o711)  # Servers that run as another user have folders of theirs in it.
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self._show_logs()
        for process in reversed(self._processes):
            process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def fact(text):
        """Tells that a behaviour was seen."""
        print(f"ok - {text}", flush=True)

    def path(self, *names):
        """A path in the scene's own folder; the folder it is in exists."""
        path = self.folder.joinpath(*names)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def free_port(self):
        """A port that nobody uses. Below the kernel's own range, so that no connection takes it."""
        while True:
            port = random.randrange(20000, 32000)
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                if port not in self._ports:
                    self._ports.add(port)
                    return port

    def start(self, name, *command, **options):
        number = len(self._processes)
        process = Process(name, [str(word) for word in command],
                          self.path("logs", f"{number:02}-{name}.log"), **options)
        self._processes.append(process)
        return process

    def wait_for_port(self, port, process, seconds=20, within=()):
        """Returns once `port` listens; fails at once if `process` ends before. `within`: what starts
        a command on the host that is meant."""
        def listens():
            if not process.running():
                raise RuntimeError(f"{process.name} ended with {process.wait(0)}")
            found = subprocess.run([*within, "ss", "-Hltn", f"sport = :{port}"], check=True,
                                   stdout=subprocess.PIPE, text=True)
            return found.stdout
        wait_for(f"{process.name} on port {port}", listens, seconds)

    def _show_logs(self):
        for process in self._processes:
            lines = process.text().splitlines()
            state = "running" if process.running() else f"ended with {process.wait(0)}"
            print(f"== {process.name} ({state}), {len(lines)} lines", *lines[-LOG_LINES_SHOWN:],
                  sep="\n", flush=True)


def run(*command, seconds=60, check=True, **options):
    """Runs a program to its end; what it printed is in .stdout and .stderr."""
    done = subprocess.run([str(word) for word in command], check=False, text=True, timeout=seconds,
                          stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, errors="replace", **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}\n"
                           f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done
