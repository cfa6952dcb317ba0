"""A visitor that dials in to a tunnel's relay."""

import random
import signal
import socket
import subprocess
import threading
import time

from harness.clients import connect
from harness.keeper import KeptDaemon
from harness.processes import wait_for
from harness.relayd import build_folder, place_text

VISITOR = "alice"
TALKS = 6
LONGEST_TALK = 200_000
LATER_SECONDS = 0.05


class Visits:
    def __init__(self, scene, tunnel, reach):
        self.scene, self.tunnel = scene, tunnel
        self.visitor = KeptDaemon(scene, "visitor")
        may = [word for each in reach for word in ("--may-reach", each)]
        tunnel.relay.relayctl("visitor", "add", VISITOR, self.visitor.public_key(), *may)

    def start(self, *targets, at=None, words=()):
        """Returns where it listens for them: at ports, if nothing else is asked for."""
        places = at or [self.scene.free_port() for _ in targets]
        listen = [word for place in places for word in ("--listen", place_text(place))]
        self.visitor.start("visit", self.tunnel.address(), *targets, *listen, *words)
        wait_for("the visitor's session", lambda: any(
            each.get("visitor") == VISITOR for each in self.tunnel.sessions()))
        return places

    def stdio(self, target, *words, given=b"x", state=None):
        return subprocess.run(
            [build_folder() / "daemon/relayd", "visit", self.tunnel.address(), target, "--stdio",
             "--state-dir", state or self.visitor.state, *words],
            input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)

    def kills_while_sealing(self, place, kills):
        """Visitor, relay and home are killed at each step of sealing, and at moments behind it.
        The connections are there before: of one that is being accepted nothing is promised
        (docs/CONTINUITY.md), so the home stands still until the relay has them all."""
        seed = random.randrange(1 << 30)
        print("seed", seed, flush=True)
        chance = random.Random(seed)
        victims = (self.visitor, self.tunnel.relay, self.tunnel.home)
        stages = (self._asked, self._answered, self._proved, self._some_time_later)
        rounds = [(victim, stage) for stage in stages for victim in victims]
        for number in range(kills):
            victim, stage = rounds[number % len(rounds)]
            talks = self._kill_once(place, victim, stage, chance)
            faults = [talk.fault for talk in talks if talk.fault]
            assert not faults, (seed, number, victim.name, stage.__name__, faults)
        self.scene.fact(f"{kills} kills of visitor, relay and home while {TALKS} streams are being "
                        "sealed and begin: each connection is whole")

    def _kill_once(self, place, victim, stage, chance):
        wait_for("streams to end", lambda: not self._streams(), 60)
        wait_for("all to have come back", self._are_all_attached, 60)
        self.tunnel.home.process.signal(signal.SIGSTOP)
        talks = [Talk(place, chance.randbytes(chance.randrange(1, LONGEST_TALK)))
                 for _ in range(TALKS)]
        self._wait_for_streams("the relay to have it all", lambda each: each["buffered_bytes"] > 0)
        stage(chance)
        victim.kill()
        for daemon in (self.visitor, self.tunnel.home):
            if daemon is not victim:
                daemon.process.signal(signal.SIGCONT)
        victim.go_on()
        for talk in talks:
            talk.join(90)
        return talks

    def _asked(self, _):
        """All of SEAL is on its way to the home, which has not read it."""

    def _answered(self, _):
        """The relay has ANSWER, and the visitor has not read it."""
        self.visitor.process.signal(signal.SIGSTOP)
        self.tunnel.home.process.signal(signal.SIGCONT)
        self._wait_for_streams("the answers", lambda each: each["bytes_in"] > 0)

    def _proved(self, chance):
        """The relay has PROOF, and the home has not read it."""
        self._answered(chance)
        self.tunnel.home.process.signal(signal.SIGSTOP)
        asked = {each["id"]: each["buffered_bytes"] for each in self._streams()}
        self.visitor.process.signal(signal.SIGCONT)
        self._wait_for_streams("the proofs",
                               lambda each: each["buffered_bytes"] > asked[each["id"]])

    def _some_time_later(self, chance):
        self.tunnel.home.process.signal(signal.SIGCONT)
        time.sleep(chance.uniform(0, LATER_SECONDS))

    def _are_all_attached(self):
        """Each says so itself: another one may not have noticed yet that it was killed."""
        return all(sorted(each["state"] for each in daemon.ask("sessions")["sessions"])
                   == ["attached"] * count for daemon, count in (
                       (self.visitor, 1), (self.tunnel.home, 1), (self.tunnel.relay, 2)))

    def _streams(self):
        return self.tunnel.relay.ask("streams")["streams"]

    def _wait_for_streams(self, what, have):
        def all_have():
            streams = self._streams()
            return len(streams) == TALKS and all(map(have, streams))
        wait_for(what, all_have, 60)


class Talk(threading.Thread):
    """A connection that says something, and is to hear the same."""

    def __init__(self, place, said):
        super().__init__()
        self._place, self._said = place, said
        self.fault = "it has not ended"
        self.start()

    def run(self):
        try:
            heard = self._exchange()
        except OSError as fault:
            self.fault = repr(fault)
            return
        self.fault = ""
        if heard != self._said:
            self.fault = f"{len(self._said)} bytes said, {len(heard)} heard"

    def _exchange(self):
        with connect(self._place, 60) as client:
            sender = threading.Thread(target=lambda: (
                client.sendall(self._said), client.shutdown(socket.SHUT_WR)))
            sender.start()
            heard = b""
            while part := client.recv(1 << 16):
                heard += part
            sender.join()
        return heard
