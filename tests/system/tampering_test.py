#!/usr/bin/env python3
"""A relay that changes what it carries: bytes of a stream are changed in its memory, and neither end
takes a wrong one for a right one if the stream is sealed."""

import os
import pathlib
import signal
import threading

from harness.clients import connect
from harness.keeper import KeptTunnel
from harness.memory import data_of
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME
from harness.targets import Target
from harness.visits import Visits

PAGE = 4096
# Ciphertext has all of the 256 bytes in any page, and records of relayd have few.
LEAST_DIFFERENT = 200
BYTES = 40_000_000
LEAST_HELD = 30_000
NO_PROBE = ("--probe", "none")


def spoil(pid):
    """Changes a byte in each page of the memory of streams that looks like ciphertext; returns how
    many there were."""
    count = 0
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        if not os.readlink(link).startswith("/memfd:"):
            continue
        with open(link, "r+b", buffering=0) as file:
            for begin, end in data_of(file.fileno()):
                for at in range(begin, end, PAGE):
                    page = os.pread(file.fileno(), PAGE, at)
                    if len(set(page)) < LEAST_DIFFERENT:
                        continue
                    os.pwrite(file.fileno(), bytes([page[PAGE // 2] ^ 1]), at + PAGE // 2)
                    count += 1
    return count


def spoil_standing_still(daemon):
    """Nobody takes a byte meanwhile."""
    pid = daemon.process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        count = spoil(pid)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert count > 0, "nothing was on its way"


class Patient:
    """Reads, once it may; sends `says` at once."""

    def __init__(self, says=b""):
        self._says = says
        self.may_read = threading.Event()

    def serve(self, connection):
        """What came, and how it ended."""
        if self._says:
            threading.Thread(target=self._say, args=(connection,)).start()
        assert self.may_read.wait(60)
        heard = b""
        try:
            while part := connection.recv(1 << 20):
                heard += part
        except ConnectionResetError:
            return heard, "reset"
        return heard, "end"

    def _say(self, connection):
        try:
            connection.sendall(self._says)
        except OSError:
            pass  # It is reset.


def waits_in(daemon):
    """Returns when it holds as much of a stream as it can."""
    before = -1
    def full():
        nonlocal before
        held = sum(each["buffered_bytes"] for each in daemon.ask("streams")["streams"])
        was, before = before, held
        return held > LEAST_HELD and held == was
    wait_for("the relay to hold all it can", full, 60)


def is_right(said, heard, how):
    """A part of what was said, and no end in good order."""
    assert said.startswith(heard), f"a wrong byte among {len(heard)}"
    assert how == "reset" and len(heard) < len(said), (how, len(heard))


def what_the_visitor_says(scene, visits, place, target, patient):
    said = os.urandom(BYTES)
    with connect(place, 60) as client:
        sender = Sender(client, said)
        wait_for("the stream", lambda: visits.tunnel.relay.ask("streams")["streams"])
        waits_in(visits.tunnel.relay)
        spoil_standing_still(visits.tunnel.relay)
        patient.may_read.set()
        heard, how = target.result(60)
        is_right(said, heard, how)
        assert sender.heard_of_a_reset(), "the visitor was told of a good end"
    wait_for("the relay's log", lambda: "encryption did not hold" in visits.tunnel.relay.log())
    scene.fact("what a relay changes of a visitor's bytes never reaches the target: it gets "
               f"{len(heard)} right ones and a reset, and so does the visitor")


class Sender(threading.Thread):
    """Whoever of two hears of a reset first takes it from the other."""

    def __init__(self, client, said):
        super().__init__()
        self._client, self._said = client, said
        self._fault = None
        self.start()

    def run(self):
        try:
            self._client.sendall(self._said)
        except OSError as fault:
            self._fault = fault

    def heard_of_a_reset(self):
        try:
            assert self._client.recv(1) == b"", "bytes came"
        except ConnectionResetError as fault:
            self._fault = fault
        self.join()
        return isinstance(self._fault, (ConnectionResetError, BrokenPipeError))


def what_the_target_says(scene, visits, place, said):
    patient = Patient()
    with connect(place, 60) as client:
        wait_for("the stream", lambda: visits.tunnel.relay.ask("streams")["streams"])
        waits_in(visits.tunnel.relay)
        spoil_standing_still(visits.tunnel.relay)
        patient.may_read.set()
        heard, how = patient.serve(client)
        is_right(said, heard, how)
    wait_for("the visitor's log", lambda: "encryption did not hold" in visits.visitor.log())
    scene.fact("nor do the target's reach the visitor: "
               f"{len(heard)} right ones and a reset, and its log says why")


def unsealed_it_is_noticed_by_nobody(scene, visits, port, said):
    with connect(port, 60) as client:
        wait_for("the stream", lambda: visits.tunnel.relay.ask("streams")["streams"])
        waits_in(visits.tunnel.relay)
        spoil_standing_still(visits.tunnel.relay)
        heard = b""
        while len(heard) < len(said):
            part = client.recv(1 << 20)
            assert part, len(heard)
            heard += part
        assert heard != said, "nothing was changed"
    scene.fact("the same of a stream that is not sealed is noticed by nobody")


def main():
    with Scene() as scene:
        said = os.urandom(BYTES)
        patient = Patient()
        sink = Target(scene, patient.serve)
        talkative = Patient(said)
        talkative.may_read.set()
        speaker = Target(scene, talkative.serve)
        tunnel = KeptTunnel(scene, sink.port, speaker.port)
        ports = [tunnel.forward(each, *NO_PROBE) for each in tunnel.targets]
        visits = Visits(scene, tunnel, [f"{HOME_NAME}:{port}" for port in ports])
        at = visits.start(*(f"{HOME_NAME}:{port}" for port in ports), words=["--end-to-end"])
        what_the_visitor_says(scene, visits, at[0], sink, patient)
        wait_for("the end", lambda: not tunnel.relay.ask("streams")["streams"])
        what_the_target_says(scene, visits, at[1], said)
        wait_for("the end", lambda: not tunnel.relay.ask("streams")["streams"])
        unsealed_it_is_noticed_by_nobody(scene, visits, ports[1], said)


if __name__ == "__main__":
    main()
