"""The load program: a target, and clients that run until they have something to tell."""

import contextlib
import json
import subprocess
import time

from harness.relayd import build_folder

GRACE_SECONDS = 90  # For what is under way when a client's time is over.


def program():
    return build_folder() / "bench/bench-load"


def start_target(scene, within=(), host="127.0.0.1"):
    """Its port."""
    port = scene.free_port()
    target = scene.start("target", *within, program(), "target", "--host", host, "--port", port)
    scene.wait_for_port(port, target, within=within)
    return port


class Client:
    """One run of the program, beside the visitors of `rig`. Ends with the block it is made in."""

    def __init__(self, rig, command, *options, within=()):
        words = [*within, program(), command, "--host", rig.host, "--port", rig.port, *options]
        self._name = f"{command} through {rig.title}"
        self._popen = subprocess.Popen([str(word) for word in words], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self._popen.stdin.close()
        self._popen.kill()
        self._popen.wait()
        self._popen.stdout.close()
        self._popen.stderr.close()

    def line(self):
        """The next thing it tells."""
        text = self._popen.stdout.readline()
        if not text:
            raise RuntimeError(f"{self._name}: {self._popen.stderr.read().strip()}")
        return json.loads(text)

    def result(self, seconds):
        """What it tells at its end, which comes within `seconds` and some grace."""
        try:
            out, errors = self._popen.communicate(timeout=seconds + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self._name}: stalled") from None
        if self._popen.returncode != 0:
            raise RuntimeError(f"{self._name}: {errors.strip() or self._popen.returncode}")
        return json.loads(out)


class Window:
    """The seconds that count, `warm_up` from now."""

    def __init__(self, seconds, warm_up=0.5):
        self.seconds = seconds
        self.begin_ns = time.monotonic_ns() + int(warm_up * 1e9)
        self.end_ns = self.begin_ns + int(seconds * 1e9)

    def options(self):
        return "--begin-ns", self.begin_ns, "--seconds", self.seconds

    @staticmethod
    def sleep_until(time_ns):
        time.sleep(max(0, time_ns - time.monotonic_ns()) / 1e9)
