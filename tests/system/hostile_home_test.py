#!/usr/bin/env python3
"""A home with a key of its own that keeps no rule harms only itself: its session ends or is slowed
down, the streams of an honest home go on, and the relay's memory stays bounded."""

import pathlib
import socket
import subprocess
import threading
import time

from harness.clients import connect
from harness.processes import Scene, run, wait_for
from harness.relayd import Tunnel, build_folder
from harness.targets import Target, echo

HOSTILE = "hostile"
# What any of them may cost the relay: more than the rings of an honest home, far from all memory.
MEMORY_MOST_KB = 64 * 1024

# (what the home does, what becomes of its session)
BROKEN_RULES = {
    "unknown-stream": "data for a stream that was never opened",
    "gap": "a gap in the control stream",
    "handshake-again": "a handshake frame after the handshake",
    "unknown-frame": "a frame of an unknown type",
    "frame-too-long": "a frame longer than the limit",
    "ack-beyond": "an ACK of what was never sent",
    "open-of-the-other-side": "an OPEN with a number of the relay's side",
    "rewind-beyond": "a REWIND to what was never sent",
    "too-many-forwards": "a list of more than 256 forwards",
}


class PingPong(threading.Thread):
    """One byte there and back over an honest home's stream, all the time; the longest wait counts."""

    def __init__(self, port):
        super().__init__()
        self.connection = connect(port, seconds=30)
        self.rounds = 0
        self.ends = threading.Event()
        self.failure = None
        self.waits = []

    def run(self):
        try:
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not self.ends.is_set():
                began = time.monotonic()
                self.connection.sendall(b"x")
                if self.connection.recv(1) != b"x":
                    raise EOFError("the honest home's stream ended")
                self.waits.append(time.monotonic() - began)
                self.rounds += 1
        except (OSError, EOFError) as failure:
            self.failure = failure

    def p99_ms(self):
        waits, self.waits = sorted(self.waits), []
        return 1000 * waits[len(waits) * 99 // 100]

    def stop(self):
        self.ends.set()
        self.join()
        assert self.failure is None, self.failure


def resident_kb(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def is_sanitized(process):
    """Then memory that was freed is kept for a while, and its size says nothing."""
    return "libasan" in pathlib.Path(f"/proc/{process.pid}/maps").read_text()


def is_bounded(process, more_kb):
    return more_kb < MEMORY_MOST_KB or is_sanitized(process)


class Hostile:
    """A key that the relay knows as another home, and the program that misuses it."""

    def __init__(self, scene, tunnel, ws_port):
        self.key = scene.path("hostile", "key")
        self.ws_port = ws_port
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", HOSTILE, "-f", self.key)
        public = self.key.with_suffix(".pub").read_text().strip()
        tunnel.relay.relayctl("home", "add", HOSTILE, public)

    def may(self, tunnel, *permissions):
        public = self.key.with_suffix(".pub").read_text().strip()
        tunnel.relay.relayctl("home", "add", HOSTILE, public, *permissions)

    def command(self, verb, count=1):
        return [build_folder() / "tests/system/hostile-home", self.key, str(self.ws_port), verb, str(count)]

    def does(self, verb, count=1):
        return run(*self.command(verb, count), check=False, seconds=60).stdout.strip()


def broken_rules_end_its_session(scene, hostile):
    assert "still there" in hostile.does("nothing")
    for verb, fact in BROKEN_RULES.items():
        ended = hostile.does(verb)
        assert "bye 4" in ended or "closed" in ended, f"{verb}: {ended}"
        scene.fact(f"{fact} ends the session of who sent it")


def floods_cost_little(scene, tunnel, hostile, beat):
    for verb, count, fact in [("open-flood", 3000, "300,000 OPENs whose answers it never acknowledges"),
                              ("ping-flood", 2000, "2,000,000 PINGs by one who reads nothing")]:
        before, rounds = resident_kb(tunnel.relay.process), beat.rounds
        ended = hostile.does(verb, count)
        more = resident_kb(tunnel.relay.process) - before
        assert is_bounded(tunnel.relay.process, more), f"{verb}: {more} KiB more"
        assert beat.rounds > rounds and beat.failure is None
        if verb == "open-flood":
            assert "bye 4" in ended or "closed" in ended, ended
        scene.fact(f"{fact}: {more} KiB more of memory; {ended}")


def visitors_it_never_serves(scene, tunnel, hostile):
    port = scene.free_port()
    tunnel.relay.relayctl("forward", "add", str(port), "--home", HOSTILE, "--to", "127.0.0.1:9",
                          "--probe", "none")
    before = resident_kb(tunnel.relay.process)
    with subprocess.Popen([str(word) for word in hostile.command("never-reads")], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as silent:
        assert silent.stdout.readline() == "ready\n"
        visitors = []
        for _ in range(50):
            visitor = connect(port)
            visitor.setblocking(False)
            try:
                while visitor.send(bytes(65536)):
                    pass
            except BlockingIOError:
                pass
            visitors.append(visitor)
        more = resident_kb(tunnel.relay.process) - before
        assert is_bounded(tunnel.relay.process, more), more
        silent.stdin.close()
        for visitor in visitors:
            visitor.close()
    scene.fact(f"50 visitors write to a home that never reads: {more} KiB more of memory")


class Misused:
    """A visitor of the hostile home, and what that home makes of the first bytes he says."""

    def __init__(self, hostile, port, verb, count):
        self.program = subprocess.Popen([str(word) for word in hostile.command(verb, count)], text=True,
                                        stdout=subprocess.PIPE)
        assert self.program.stdout.readline() == "ready\n"
        self.visitor = connect(port)
        self.visitor.sendall(b"x" * 1000)

    def result(self):
        told, _ = self.program.communicate(timeout=60)
        self.visitor.close()
        return told.strip()


def streams_it_misuses(scene, tunnel, hostile, beat):
    port = scene.free_port()
    tunnel.relay.relayctl("forward", "add", str(port), "--home", HOSTILE, "--to", "127.0.0.1:9",
                          "--probe", "none")
    scene.wait_for_port(port, tunnel.relay.process)
    before, rounds = resident_kb(tunnel.relay.process), beat.rounds
    told = Misused(hostile, port, "credit-overrun", 2000).result()
    assert "bye 4" in told or "closed" in told, told
    scene.fact("more bytes than a visitor gave credit for end the session of who sent them")
    told = Misused(hostile, port, "rewind-loop", 20000).result()
    more = resident_kb(tunnel.relay.process) - before
    assert beat.rounds > rounds and beat.failure is None
    assert is_bounded(tunnel.relay.process, more), more
    scene.fact(f"20,000 REWINDs of one stream: {more} KiB more of memory, {told}")


def listening_ports(process):
    listed = run("ss", "-H", "-t", "-l", "-n", "-p").stdout.splitlines()
    return {int(line.split()[3].rsplit(":", 1)[1]) for line in listed if f"pid={process.pid}," in line}


def forwards_it_asks_for(scene, tunnel, hostile, beat):
    """Only what may-listen names, however it is asked for."""
    first = 40000
    hostile.may(tunnel, "--may-listen", f"{first}-{first + 49}", "--may-reach", "work-pc:1")
    relay = tunnel.relay
    ports, lines, before = listening_ports(relay.process), relay.log().count("\n"), resident_kb(relay.process)
    told = hostile.does("ask-forbidden", first)
    assert told == "0 listening, 0 waiting, 256 denied, 0 reset, still there", told
    assert listening_ports(relay.process) == ports
    said = relay.log().count("\n") - lines
    assert said < 20, f"{said} lines"
    denied = [each for each in relay.ask("forward", "list")["forwards"] if each.get("denied")]
    assert len(denied) == 256, len(denied)
    scene.fact(f"256 forwards at forbidden ports, addresses and names: all denied, nothing listens, {said} lines")

    lines, rounds = relay.log().count("\n"), beat.rounds
    told = hostile.does("ask-and-withdraw", first)
    assert beat.rounds > rounds and beat.failure is None
    more, said = resident_kb(relay.process) - before, relay.log().count("\n") - lines
    assert is_bounded(relay.process, more), more
    assert said < 1000, f"{said} lines"
    assert listening_ports(relay.process) - ports <= set(range(first, first + 50))
    scene.fact(f"50 forwards asked for and withdrawn 2,000 times: {more} KiB more of memory, {said} lines; {told}")

    length, rounds = len(relay.log()), beat.rounds
    told = hostile.does("reach-flood", 5000)
    assert told.endswith("5000 reset, still there"), told
    assert beat.rounds > rounds and beat.failure is None
    said = relay.log()[length:].count("refused a stream that the home opens")
    assert said < 20, f"{said} lines"
    scene.fact(f"5,000 streams to what it may not reach: each is refused, {said} lines")


def sessions_are_not_to_be_had(scene, tunnel, hostile):
    honest = tunnel.attached()["id"] if "id" in tunnel.attached() else None
    assert hostile.does("resume-of-a-stranger") == "resumed false"
    after = tunnel.attached()
    assert after and (honest is None or after["id"] == honest)
    scene.fact("a session that is not one's own cannot be resumed, and a new one is begun instead")
    told = hostile.does("slot-game", 200).splitlines()
    welcomed = sum(line.startswith("welcomed") for line in told)
    assert welcomed < 100 and "too often" in told[-1], told[-1]
    scene.fact(f"a home that dials in 200 times at once is welcomed {welcomed} times, then told to wait")


def main():
    with Scene() as scene:
        target = Target(scene, echo)
        ws_port = scene.free_port()
        tunnel = Tunnel(scene, target.port, also_listen=[f"ws://127.0.0.1:{ws_port}"],
                        trusts=["127.0.0.1"])
        hostile = Hostile(scene, tunnel, ws_port)
        beat = PingPong(tunnel.forward(target.port))
        beat.start()
        wait_for("the first round", lambda: beat.rounds)
        broken_rules_end_its_session(scene, hostile)
        floods_cost_little(scene, tunnel, hostile, beat)
        streams_it_misuses(scene, tunnel, hostile, beat)
        visitors_it_never_serves(scene, tunnel, hostile)
        forwards_it_asks_for(scene, tunnel, hostile, beat)
        sessions_are_not_to_be_had(scene, tunnel, hostile)
        beat.stop()
        scene.fact(f"the honest home's stream made {beat.rounds} rounds meanwhile, and never ended; "
                   f"p99 {beat.p99_ms():.1f} ms")
        assert tunnel.relay.process.running()


if __name__ == "__main__":
    main()
