"""Conversations of all manners over forwards, told apart from wrong ones byte by byte.

A visitor says in 17 bytes what it wants: a letter, a seed and a size. What both sides then send
follows from the seed.
"""

import contextlib
import hashlib
import random
import socket
import struct
import threading
import time

from harness.clients import connect
from harness.targets import reset

WISH = struct.Struct(">cQQ")
PATIENCE = 120  # Carriers come and go meanwhile.


class Wrong(Exception):
    """The other end says something else than it should."""


def must(true, text):
    if not true:
        raise Wrong(text)


def bytes_from(seed, size):
    return random.Random(seed).randbytes(size)


def exactly(connection, size):
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(size - len(data), 1 << 18))
        must(part, f"the end came after {len(data)} of {size} bytes")
        data += part
    return bytes(data)


def exchange(connection, sent):
    """As many bytes as are sent at the same time."""
    def send():
        with contextlib.suppress(OSError):  # Whoever reads hears of it too.
            connection.sendall(sent)
    sender = threading.Thread(target=send)
    sender.start()
    received = exactly(connection, len(sent))
    sender.join()
    return received


def to_end(connection):
    data = bytearray()
    while part := connection.recv(1 << 18):
        data += part
    return bytes(data)


# At the target.

def serve(connection):
    letter, seed, size = WISH.unpack(exactly(connection, WISH.size))
    _SERVES[letter](connection, seed, size)


def _echo(connection, *_):
    while part := connection.recv(1 << 16):
        connection.sendall(part)


def _bulk(connection, seed, size):
    received = exchange(connection, bytes_from(seed + 1, size))
    connection.sendall(hashlib.sha256(received).digest())


def _half_close(connection, seed, size):
    digest = hashlib.sha256(to_end(connection)).digest()
    connection.sendall(digest + bytes_from(seed + 1, size))


def _reset(connection, _, size):
    exactly(connection, size)
    reset(connection)


_SERVES = {b"e": _echo, b"b": _bulk, b"h": _half_close, b"r": _reset}


# At the visitor. Each returns how many bytes it has sent and received.

def _begin(port, letter, seed, size):
    connection = connect(port, PATIENCE)
    connection.sendall(WISH.pack(letter, seed, size))
    return connection


def ping_pong(port, chance):
    total = 0
    with _begin(port, b"e", 0, 0) as connection:
        for _ in range(chance.randrange(1, 400)):
            word = chance.randbytes(chance.randrange(1, 64))
            connection.sendall(word)
            must(exactly(connection, len(word)) == word, "an echo of something else")
            total += 2 * len(word)
    return total


def bulk(port, chance):
    seed, size = chance.getrandbits(48), chance.randrange(1, 8 << 20)
    sent = bytes_from(seed, size)
    with _begin(port, b"b", seed, size) as connection:
        must(exchange(connection, sent) == bytes_from(seed + 1, size), "other bytes came")
        must(exactly(connection, 32) == hashlib.sha256(sent).digest(), "other bytes arrived")
    return 2 * size


def churn(port, chance):
    count = chance.randrange(1, 60)
    for _ in range(count):
        with _begin(port, b"e", 0, 0) as connection:
            connection.sendall(b"x")
            must(exactly(connection, 1) == b"x", "an echo of something else")
    return 2 * count


def half_close(port, chance):
    seed, size = chance.getrandbits(48), chance.randrange(0, 2 << 20)
    sent = bytes_from(seed, size)
    with _begin(port, b"h", seed, size) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = to_end(connection)
    must(answer[:32] == hashlib.sha256(sent).digest(), "other bytes arrived")
    must(answer[32:] == bytes_from(seed + 1, size), "other bytes came")
    return 2 * size


def reset_by_target(port, chance):
    size = chance.randrange(1, 1 << 16)
    with _begin(port, b"r", 0, size) as connection:
        connection.sendall(chance.randbytes(size))
        try:
            must(connection.recv(1) == b"", "a byte came from nowhere")
            raise Wrong("a reset became a good end")
        except ConnectionResetError:
            return size


def reset_by_visitor(port, chance):
    size = chance.randrange(1, 1 << 16)
    connection = _begin(port, b"b", 0, 4 << 20)
    connection.sendall(chance.randbytes(size))
    reset(connection)
    return size


def slow_reader(port, chance):
    """Leaves most of what comes unread for a while, so that it fills all there is in between."""
    seed, size = chance.getrandbits(48), chance.randrange(4 << 20, 12 << 20)
    with _begin(port, b"h", seed, size) as connection:
        connection.shutdown(socket.SHUT_WR)
        arrived = hashlib.sha256()
        must(exactly(connection, 32) == hashlib.sha256().digest(), "other bytes arrived")
        left = size
        while left > 0:
            arrived.update(part := exactly(connection, min(left, 1 << 18)))
            left -= len(part)
            time.sleep(chance.random() / 20)  # What makes it slow.
        must(arrived.digest() == hashlib.sha256(bytes_from(seed + 1, size)).digest(),
             "other bytes came")
    return size


CONVERSATIONS = (ping_pong, bulk, churn, half_close, reset_by_target, reset_by_visitor, slow_reader)
