#!/usr/bin/env python3
"""Strangers at the door: whoever has no key gets nothing and learns nothing, ten thousand of them
cost little, and neither a session in progress nor a home that dials in is disturbed.

    strangers_test.py [--count N]      N connections at once; 2,000 unless told.
"""

import argparse
import itertools
import os
import pathlib
import resource
import selectors
import socket
import ssl
import threading
import time
import warnings

from harness.clients import connect
from harness.processes import Scene, run, wait_for
from harness.relayd import Tunnel, build_folder
from harness.targets import Target, echo
from hostile_home_test import PingPong, is_sanitized, resident_kb

HANDSHAKE_SECONDS = 10
LATE_SECONDS = 5  # How much later than that the test still believes in the limit.
KIB_EACH_MOST = 32


def tool(key, port, verb):
    return run(build_folder() / "tests/system/hostile-home", key, port, verb, check=False).stdout.strip()


def answer_to(port, first, patience=20):
    """What is heard until the relay closes."""
    with connect(port, seconds=patience) as stranger:
        stranger.sendall(first)
        heard = b""
        try:
            while part := stranger.recv(4096):
                heard += part
        except ConnectionResetError:
            pass
        return heard


def garbage_is_not_answered(scene, ports):
    for name, first in [("garbage", b"\x5a" * 1000), ("plain HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                        ("an SSLv2 hello", b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"),
                        ("an SSH banner", b"SSH-2.0-OpenSSH_9.2\r\n")]:
        for port in ports:
            assert answer_to(port, first) == b"", name
        scene.fact(f"{name} on a TLS port: closed at once, without a byte")


def h2_is_not_spoken(scene, port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with context.wrap_socket(connect(port)) as stranger:
        assert stranger.selected_alpn_protocol() == "http/1.1"
    scene.fact("of h2 and http/1.1 the relay chooses http/1.1")
    warnings.simplefilter("ignore", DeprecationWarning)
    context.maximum_version = context.minimum_version = ssl.TLSVersion.TLSv1_1
    try:
        with context.wrap_socket(connect(port)):
            raise AssertionError("TLS 1.1 was spoken")
    except (ssl.SSLError, ConnectionResetError):
        scene.fact("TLS 1.1 is not spoken")


def proofs_that_prove_nothing(scene, port, known, unknown):
    """All the same to whoever has proved no key."""
    answers = {}
    for verb in ("bad-signature", "reflection", "replay"):
        for name, key in [("a known", known), ("an unknown", unknown)]:
            answers[verb, name] = tool(key, port, verb)
    assert len(set(answers.values())) == 1, answers
    assert set(answers.values()) == {"closed"}, answers
    scene.fact("a bad, a reflected and a replayed signature are answered by an end without a word, "
               "be the key known or not")
    spent = {"known": [], "unknown": []}
    for _ in range(30):
        for name, key in [("known", known), ("unknown", unknown)]:
            began = time.monotonic()
            tool(key, port, "bad-signature")
            spent[name].append(time.monotonic() - began)
    medians = {name: sorted(times)[len(times) // 2] for name, times in spent.items()}
    assert max(medians.values()) < 3 * min(medians.values()), medians
    scene.fact(f"and as fast: medians {1000 * medians['known']:.1f} and {1000 * medians['unknown']:.1f} ms")
    assert "refused: no home has this key" in tool(unknown, port, "nothing")
    scene.fact("who proves a key that no home has is told that, and no more")
    for verb in ("old-version", "later-version"):
        assert tool(known, port, verb) == tool(unknown, port, verb) == "1 of type 0x05, closed"
    scene.fact("a version that the relay does not speak is refused before anything else")


def slow_ones_are_closed(scene, ports):
    """Silent, or a few bytes that are the beginning of something, or a byte now and then."""
    waiting = selectors.DefaultSelector()
    began = time.monotonic()
    slow = []
    for port in ports:
        for first in (b"", b"\x16\x03\x01\x02\x00\x01"):
            stranger = connect(port)
            stranger.sendall(first)
            waiting.register(stranger, selectors.EVENT_READ)
            slow.append(stranger)
    left = len(slow)
    dripping = connect(ports[0])
    dripping.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    while left and time.monotonic() - began < HANDSHAKE_SECONDS + LATE_SECONDS:
        for ready, _ in waiting.select(timeout=0.5):
            waiting.unregister(ready.fileobj)
            left -= 1
        try:
            dripping.send(b"\0")
        except (BrokenPipeError, ConnectionResetError):
            dripping.close()
            dripping = None
            break
    spent = time.monotonic() - began
    wait_for("the last", lambda: not waiting.select(timeout=0) or True)
    assert dripping is None or left == 0, f"{left} are still there"
    assert spent > HANDSHAKE_SECONDS - 1, spent
    scene.fact(f"silent and dripping strangers are closed after {spent:.1f} s, all of TLS, upgrade "
               "and handshake counted together")


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def processor_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def many_at_once(scene, tunnel, beat, count):
    """`count` connections, every second silent, the others with garbage that begins like TLS."""
    quiet = beat.p99_ms()
    before = resident_kb(tunnel.relay.process)
    began = time.monotonic()
    strangers, connecting = [], selectors.DefaultSelector()
    for number in range(count):
        stranger = socket.socket()
        stranger.setblocking(False)
        # A few addresses, as a few attackers have.
        stranger.bind((f"127.0.1.{1 + number % 4}", 0))
        stranger.connect_ex(("127.0.0.1", tunnel.carrier_port))
        connecting.register(stranger, selectors.EVENT_WRITE, number)
        strangers.append(stranger)
    while connecting.get_map():
        ready = connecting.select(timeout=20)
        assert ready, f"{len(connecting.get_map())} are not connected"
        for key, _ in ready:
            connecting.unregister(key.fileobj)
            if key.data % 2:
                try:
                    key.fileobj.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100))
                except OSError:
                    pass  # One of those who were sent away.
    took = time.monotonic() - began
    beat.p99_ms()
    wait_for("the beat to go on", lambda: len(beat.waits) > 200, 30)
    held = descriptors(tunnel.relay.process)
    more = resident_kb(tunnel.relay.process) - before
    beat.waits.clear()
    wait_for("the beat to go on", lambda: len(beat.waits) > 1000, 30)
    crowded = beat.p99_ms()
    tunnel.cut_carriers()
    began = time.monotonic()
    tunnel.wait_for_session(8)
    back = time.monotonic() - began
    for stranger in strangers:
        stranger.close()
    each = more / count
    assert each < KIB_EACH_MOST or is_sanitized(tunnel.relay.process), f"{each:.1f} KiB each"
    scene.fact(f"{count} strangers at once (in {took:.1f} s), half of them silent, {held} descriptors held: "
               f"{each:.2f} KiB each, "
               f"TLS included; p99 of a ping-pong {quiet:.2f} ms before, {crowded:.2f} ms among them")
    scene.fact(f"among them a home whose carrier was cut is back within {back:.1f} s")
    lines = sum("turned away" in line for line in tunnel.relay.log().splitlines())
    assert lines < 40, lines
    scene.fact(f"all strangers so far are {lines} lines of the log")


def handshakes_without_a_key(scene, tunnel, beat, seconds=3):
    """Complete TLS handshakes, one after another, which is the dearest a stranger can have."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    ends, done = time.monotonic() + seconds, itertools.count()

    def hammer(source):
        while time.monotonic() < ends:
            with socket.create_connection(("127.0.0.1", tunnel.carrier_port), 20, (source, 0)) as raw:
                with context.wrap_socket(raw):
                    next(done)

    beat.p99_ms()
    hammers = [threading.Thread(target=hammer, args=(f"127.0.2.{number}",)) for number in range(1, 9)]
    for each in hammers:
        each.start()
    for each in hammers:
        each.join()
    crowded = beat.p99_ms()
    scene.fact(f"{next(done) / seconds:.0f} TLS handshakes a second by 8 strangers, who then say nothing: "
               f"p99 of the ping-pong {crowded:.2f} ms")
    assert crowded < 100, crowded


def without_descriptors(scene, tunnel, port):
    """Visitors take all the descriptors they may have, and strangers come on top."""
    relay = tunnel.relay.process
    most = descriptors(relay) + 160
    resource.prlimit(relay.pid, resource.RLIMIT_NOFILE, (most, most))
    held, turned_away = [], 0
    for _ in range(200):
        try:
            visitor = connect(port)
            visitor.sendall(b"x")
            served = visitor.recv(1) == b"x"
        except ConnectionResetError:
            served = False
        if served:
            held.append(visitor)
        else:
            turned_away += 1
    assert turned_away and len(held) > 80, (turned_away, len(held))
    strangers = [connect(tunnel.carrier_port) for _ in range(100)]
    before = processor_seconds(relay)
    tunnel.cut_carriers()
    tunnel.wait_for_session(8)
    spent = processor_seconds(relay) - before
    assert spent < 1, spent
    held[0].sendall(b"x")
    assert held[0].recv(1) == b"x"
    scene.fact(f"visitors take {len(held)} streams of a relay with few descriptors, then are turned away; with "
               "strangers at the door as well, relayctl and a home that redials still find theirs")
    for each in strangers + held:
        each.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=2000)
    count = parser.parse_args().count
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Scene() as scene:
        target = Target(scene, echo)
        ws_port, tls_port = scene.free_port(), scene.free_port()
        tunnel = Tunnel(scene, target.port, also_listen=[f"ws://127.0.0.1:{ws_port}",
                                                         f"tls://127.0.0.1:{tls_port}"],
                        trusts=["127.0.0.1"])
        known, unknown = scene.path("keys", "known"), scene.path("keys", "unknown")
        for key in (known, unknown):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        tunnel.relay.relayctl("home", "add", "another", known.with_suffix(".pub").read_text().strip())
        port = tunnel.forward(target.port)
        beat = PingPong(port)
        beat.start()
        wait_for("the first rounds", lambda: beat.rounds > 500)
        many_at_once(scene, tunnel, beat, count)
        handshakes_without_a_key(scene, tunnel, beat)
        garbage_is_not_answered(scene, [tunnel.carrier_port, tls_port])
        h2_is_not_spoken(scene, tunnel.carrier_port)
        proofs_that_prove_nothing(scene, ws_port, known, unknown)
        slow_ones_are_closed(scene, [tunnel.carrier_port, tls_port, ws_port])
        without_descriptors(scene, tunnel, port)
        beat.stop()
        assert tunnel.attached() and tunnel.relay.process.running()
        scene.fact(f"the session in progress never noticed: {beat.rounds} rounds")


if __name__ == "__main__":
    main()
