#!/usr/bin/env python3
"""Visitors that are no good company: one that reads nothing stalls itself alone, and a thousand
downloads that are broken off and begun again leave nothing behind.

    stalled_test.py [--seconds 3] [--times 1000] [--rounds 1]
"""

import argparse
import contextlib
import os
import random
import statistics
import threading
import time

from harness.clients import CHUNK, connect
from harness.processes import Scene, wait_for
from harness.relayd import Tunnel
from harness.targets import Service, reset

BUSY = 64
STALLED = 8
MOST_BYTES = 64 << 20
PIECE = os.urandom(CHUNK)
# What an allocator and the rings of streams that have just ended may keep.
MEMORY_MARGIN = 8 << 20


def download(connection):
    """From the offset that the visitor asks for, to its end: as a resumed download."""
    offset = int.from_bytes(connection.recv(8), "big")
    while offset < MOST_BYTES:
        begin = offset % CHUNK
        part = PIECE[begin:begin + MOST_BYTES - offset]
        connection.sendall(part)
        offset += len(part)


def endless(connection):
    connection.recv(8)
    while True:
        connection.sendall(PIECE)


def ask(port, offset=0):
    visitor = connect(port, seconds=120)
    visitor.sendall(offset.to_bytes(8, "big"))
    return visitor


class Readers:
    """Visitors that read as fast as they can."""

    def __init__(self, port):
        self.received = [0] * BUSY
        self._visitors = [ask(port) for _ in range(BUSY)]
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(number,), daemon=True)
                         for number in range(BUSY)]
        for thread in self._threads:
            thread.start()

    def megabytes_a_second(self, seconds):
        before, began = sum(self.received), time.monotonic()
        self._stop.wait(seconds)  # What is measured.
        return (sum(self.received) - before) / (time.monotonic() - began) / 1e6

    def all_get_more(self):
        before = list(self.received)
        wait_for("bytes for each reader", lambda: all(
            now > then for now, then in zip(self.received, before)), 60)

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        for visitor in self._visitors:
            visitor.close()

    def _read(self, number):
        room = bytearray(1 << 18)
        with contextlib.suppress(OSError):
            while not self._stop.is_set():
                count = self._visitors[number].recv_into(room)
                if count == 0:
                    return
                self.received[number] += count


def who_reads_nothing(scene, tunnel, port, seconds, rounds):
    readers = Readers(port)
    readers.all_get_more()
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(readers.megabytes_a_second(seconds))
        with contextlib.ExitStack() as stack:
            for _ in range(STALLED):
                stack.enter_context(ask(port))
            wait_for("the stalled streams", lambda: len(
                tunnel.relay.ask("streams", "--limit", "1000")["streams"]) == BUSY + STALLED)
            readers.all_get_more()
            beside.append(readers.megabytes_a_second(seconds))
            readers.all_get_more()
    print(f"{BUSY} streams that are read: {statistics.median(alone):.0f} MB/s alone, "
          f"{statistics.median(beside):.0f} MB/s beside {STALLED} that are not "
          f"({statistics.median(beside) / statistics.median(alone):.0%}), medians of {rounds}", flush=True)
    readers.end()
    scene.fact(f"{STALLED} visitors that read nothing: {BUSY} others go on, each of them")


def download_in_parts(port, times, chance):
    """Breaks it off at some place and goes on from there, again and again; all bytes must fit."""
    offset = 0
    for _ in range(times):
        visitor = ask(port, offset)
        wanted = chance.randrange(1, CHUNK)
        got = 0
        while got < wanted:
            part = visitor.recv(wanted - got)
            at = (offset + got) % CHUNK
            assert part and (PIECE + PIECE)[at:at + len(part)] == part, "other bytes came"
            got += len(part)
        offset = (offset + got) % (MOST_BYTES // 2)
        reset(visitor)


def broken_downloads(scene, tunnel, port, times):
    chance = random.Random(7)

    def held():
        """Once no stream is left, and memory that nobody needs has been given back."""
        wait_for("no stream", lambda: tunnel.relay.ask("status")["streams"] == 0
                 and tunnel.home.ask("status")["streams"] == 0, 60)
        looks = []
        for _ in range(5):
            time.sleep(1.5)  # It goes back after a second, and then every three.
            looks.append([each.resident_bytes() for each in (tunnel.relay, tunnel.home)])
        return dict(zip(("relay", "home"), map(min, zip(*looks))))
    download_in_parts(port, times // 10, chance)
    before = held()
    download_in_parts(port, times, chance)
    after = held()
    for name, was in before.items():
        print(f"{name}: resident {was / 2**20:.1f} MiB, after {times} downloads that were broken off "
              f"{after[name] / 2**20:.1f} MiB", flush=True)
        assert after[name] <= was + MEMORY_MARGIN, name
    scene.fact(f"{times} downloads broken off and resumed leave memory where it was")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=2)
    arguments.add_argument("--times", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=1)
    chosen = arguments.parse_args()
    with Scene() as scene:
        parts, stream = Service(scene, download), Service(scene, endless)
        tunnel = Tunnel(scene, parts.port, stream.port)
        who_reads_nothing(scene, tunnel, tunnel.forward(stream.port, "--probe", "none"), chosen.seconds,
                          chosen.rounds)
        broken_downloads(scene, tunnel, tunnel.forward(parts.port, "--probe", "none"), chosen.times)


if __name__ == "__main__":
    main()
