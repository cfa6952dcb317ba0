#!/usr/bin/env python3
"""The emulated link that other tests and benchmarks stand on does what it is asked."""

import socket
import threading
import time

from harness.links import Link
from harness.netns import on_host
from harness.processes import Scene

PORT = 7000
DELAY_MS = 15


def echo_once(listener):
    connection, _ = listener.accept()
    with connection:
        while part := connection.recv(65536):
            connection.sendall(part)


def connect_through(link):
    with on_host(link, "home"):
        listener = socket.create_server((link.addresses["home"], PORT))
    thread = threading.Thread(target=echo_once, args=[listener], daemon=True)
    thread.start()
    with on_host(link, "relay"):
        client = socket.create_connection((link.addresses["home"], PORT), timeout=20)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener, client, thread


def round_trip(client, sent):
    began = time.monotonic()
    client.sendall(sent)
    missing = len(sent)
    while missing:
        missing -= len(client.recv(missing))
    return time.monotonic() - began


def sends_in_vain(scene, link, client):
    before = link.counters()
    link.cut(towards="home")
    client.sendall(b"lost")
    client.settimeout(0.3)
    try:
        client.recv(4)
        raise AssertionError("an answer over a cut link")
    except TimeoutError:
        pass
    assert link.counters()["home"]["dropped"] > before["home"]["dropped"]
    scene.fact("a cut link drops what is sent, without a word")
    link.heal()
    client.settimeout(20)
    assert client.recv(4) == b"lost"
    scene.fact("what TCP sends again after it has healed arrives")


def main():
    with Scene() as scene, Link(delay=DELAY_MS) as link:
        listener, client, thread = connect_through(link)
        with listener, client:
            assert round_trip(client, b"x") >= 2 * DELAY_MS / 1000
            scene.fact(f"a byte takes at least {DELAY_MS} ms each way")

            link.set(rate=8)
            seconds = round_trip(client, bytes(100_000))
            assert seconds >= 0.1 + 2 * DELAY_MS / 1000, seconds  # At 1 MB/s.
            scene.fact("a rate holds back what is more")

            link.set(rate=0, loss=0.05)
            round_trip(client, bytes(1_000_000))
            link.set(loss=0)
            assert sum(each["lost"] for each in link.counters().values()) > 0
            scene.fact("packets are lost by chance, and TCP mends it")

            sends_in_vain(scene, link, client)
        thread.join(10)

        try:
            link.set(delay="far")
            raise AssertionError("a delay that is no number")
        except RuntimeError as error:
            assert "needs one number" in str(error)
        scene.fact("what it does not understand is refused")


if __name__ == "__main__":
    main()
