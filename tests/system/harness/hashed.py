"""Streams whose digest is sent behind them: what arrives is what was sent, once and in order."""

import hashlib
import os
import time

from harness.traffic import exactly

CHUNK = 1 << 20


def sink(connection):
    """Receives streams that say their length first, and answers each with its digest."""
    while True:
        size, digest = int.from_bytes(exactly(connection, 8), "big"), hashlib.sha256()
        while size > 0:
            part = connection.recv(min(size, CHUNK))
            if not part:
                raise RuntimeError(f"{size} bytes are missing")
            digest.update(part)
            size -= len(part)
        connection.sendall(digest.digest())


def source(connection):
    """Sends as many bytes as it is asked for, and then their digest."""
    while True:
        size, digest = int.from_bytes(exactly(connection, 8), "big"), hashlib.sha256()
        while size > 0:
            part = os.urandom(min(size, CHUNK))
            digest.update(part)
            connection.sendall(part)
            size -= len(part)
        connection.sendall(digest.digest())


class _Moments:
    """Does what is to be done at certain shares of a transfer."""

    def __init__(self, size, acts):
        self._due = [(size * (i + 1) // (len(acts) + 1), act) for i, act in enumerate(acts)]

    def passed(self, done):
        while self._due and done >= self._due[0][0]:
            self._due.pop(0)[1]()


def upload(visitor, size, *acts):
    """MB/s, to a sink(); `acts` are called on the way, evenly."""
    digest, moments, done = hashlib.sha256(), _Moments(size, acts), 0
    visitor.sendall(size.to_bytes(8, "big"))
    begin = time.monotonic()
    while done < size:
        part = os.urandom(min(size - done, CHUNK))
        digest.update(part)
        visitor.sendall(part)
        done += len(part)
        moments.passed(done)
    assert exactly(visitor, 32) == digest.digest(), "other bytes"
    return size / (time.monotonic() - begin) / 1e6


def download(visitor, size, *acts):
    """MB/s, from a source(); `acts` are called on the way, evenly."""
    digest, moments, done = hashlib.sha256(), _Moments(size, acts), 0
    begin = time.monotonic()
    visitor.sendall(size.to_bytes(8, "big"))
    while done < size:
        part = visitor.recv(min(size - done, CHUNK))
        assert part, f"{size - done} bytes are missing"
        digest.update(part)
        done += len(part)
        moments.passed(done)
    assert exactly(visitor, 32) == digest.digest(), "other bytes"
    return size / (time.monotonic() - begin) / 1e6


def round_trip(visitor):
    """Seconds, of nothing at all from a source(): the digest of no bytes."""
    begin = time.monotonic()
    visitor.sendall((0).to_bytes(8, "big"))
    assert exactly(visitor, 32) == hashlib.sha256().digest()
    return time.monotonic() - begin
