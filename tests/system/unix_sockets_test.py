#!/usr/bin/env python3
"""Unix sockets on either end of a stream: real databases behind them, their files, and streams that
outlive carriers, relay, home and visitor, killed in turn.

unix_sockets_test.py [--kills N] [--streams N] [--seed N]
"""

import argparse
import os
import pathlib
import random
import socket
import stat

from harness import parts
from harness.clients import connect, psql, read_to_end
from harness.endless import Crowd
from harness.hashed import download, sink, source, upload
from harness.keeper import KeptDaemon, KeptTunnel
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME, place_text
from harness.targets import Service, Target, echo

BYTES = 100_000_000
ENOUGH_BYTES = 4 << 20  # Have moved, so all goes on.
ROWS = 50_000
NO_PROBE = ("--probe", "none")
VISITOR = "alice"


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    return parser.parse_args()


def databases_answer(scene, tunnel, postgres_port):
    folder = scene.path("relay-side", "x").parent
    at = tunnel.forward_from(folder / f".s.PGSQL.{postgres_port}",
                             parts.postgres_socket(scene, postgres_port))
    def through(statement):
        return run("psql", "-h", folder, "-p", postgres_port, "-U", "postgres", "-XAtc",
                   statement).stdout
    through(f"CREATE TABLE numbers AS SELECT n, md5(n::text) FROM generate_series(1, {ROWS}) n")
    query = "SELECT * FROM numbers ORDER BY n"
    rows = through(query)
    assert rows == psql(postgres_port, query) and rows.count("\n") == ROWS
    assert through("SELECT inet_client_addr() IS NULL") == "t\n"
    scene.fact(f"psql gets {ROWS} rows of PostgreSQL from socket to socket, the same as without")
    redis = tunnel.forward_from(folder / "redis.sock", parts.redis_socket(scene))
    value = "0123456789" * 10_000
    assert run("redis-cli", "-s", redis, "SET", "key", value).stdout == "OK\n"
    assert run("redis-cli", "-s", redis, "GET", "key").stdout == value + "\n"
    shown = run("redis-benchmark", "-s", redis, "-q", "-t", "get,set", "-n", 5000, "-c", 10).stdout
    assert "SET: " in shown and "rror" not in shown, shown
    scene.fact("redis serves 10 clients from socket to socket")
    for path in (at, redis):
        probe, = tunnel.relay.ask("probe", place_text(path))["probes"]
        assert probe["verdict"] == "ok", probe
    scene.fact("a probe of a socket behind a socket tells that it serves")


def files_are_theirs(scene, tunnel, target):
    folder = scene.path("files", "x").parent
    at = tunnel.forward_from(folder / "usual", target, *NO_PROBE)
    assert stat.S_IMODE(at.stat().st_mode) == 0o660, oct(at.stat().st_mode)
    other = tunnel.forward_from(folder / "other", target, "--mode", "0600", "--group", "daemon",
                                *NO_PROBE)
    assert stat.S_IMODE(other.stat().st_mode) == 0o600 and other.stat().st_gid == 1
    scene.fact("a socket's file has mode 0660, or the mode and the group that it was given")
    with connect(at) as visitor:
        must_echo(visitor)
        stream, = (each for each in tunnel.relay.ask("streams")["streams"]
                   if each["listen"] == place_text(at))
        assert stream["visitor"] == f"unix:uid=0,pid={os.getpid()}", stream
        assert stream["target"] == place_text(target), stream
    scene.fact("the streams' list shows who came by a socket: user and process")
    tunnel.relay.relayctl("forward", "remove", place_text(other))
    assert not other.exists() and at.exists()
    scene.fact("a removed forward's file goes with it")
    tunnel.relay.relayctl("forward", "remove", place_text(at))
    refuses(tunnel, folder / "missing" / "x", target, "there is no folder " + str(folder / "missing"))
    (folder / "file").write_text("")
    refuses(tunnel, folder / "file", target, "it exists, and is no socket")
    refuses(tunnel, folder / ("x" * 108), target, "at most 107 bytes")
    with socket.socket(socket.AF_UNIX) as holder:
        holder.bind(os.fspath(folder / "held"))
        holder.listen()
        holder.settimeout(0)
        refuses(tunnel, folder / "held", target, "another program listens there")
        try:
            raise AssertionError(f"the holder was disturbed by {holder.accept()}")
        except BlockingIOError:
            pass
    scene.fact("a folder that is missing, a file, a long path, a socket that somebody serves: refused")
    stale = tunnel.forward_from(folder / "held", target, *NO_PROBE)
    with connect(stale) as visitor:
        must_echo(visitor)
    scene.fact("a socket's file that nobody serves any more is taken over")


def refuses(tunnel, path, target, why):
    shown = tunnel.relay.relayctl("forward", "add", place_text(path), "--to", place_text(target),
                                  check=False)
    assert shown.returncode != 0 and why in shown.stderr, shown


def must_echo(visitor):
    visitor.sendall(b"x")
    assert visitor.recv(1) == b"x"


def each_way_ends_by_itself(scene, tunnel, path):
    target = Target(scene, reversing, path)
    at = tunnel.forward_from(scene.path("ends", "sock"), path, *NO_PROBE)
    sent = os.urandom(5_000_000)
    with connect(at, 60) as visitor:
        visitor.sendall(sent)
        visitor.shutdown(socket.SHUT_WR)
        assert read_to_end(visitor) == sent[::-1]
    assert target.result() == len(sent)
    scene.fact("a visitor that has said all it wants still gets the whole answer")
    with connect(at, 60) as visitor:
        visitor.sendall(b"x" * 100)
        wait_for("the stream", lambda: streams_at(tunnel, at))
        visitor.sendall(b"y" * 1000)
    assert target.result() == 1100
    scene.fact("what a visitor said before it closed arrives")


def streams_at(tunnel, at):
    return [each for each in tunnel.relay.ask("streams")["streams"] if each["listen"] == place_text(at)]


def reversing(connection):
    content = read_to_end(connection)
    try:
        connection.sendall(content[::-1])
    except BrokenPipeError:
        pass  # Whoever asked has gone.
    return len(content)


def hundred_megabytes(scene, tunnel, sinks, sources):
    def again(daemon):
        def act():
            daemon.kill()
            daemon.go_on()
        return act
    def cut():
        wait_for("a carrier to cut", tunnel.cut_carriers)
    acts = (again(tunnel.relay), cut, again(tunnel.home), again(tunnel.relay), cut, again(tunnel.home))
    at = tunnel.forward_from(scene.path("bulk", "up"), sinks, *NO_PROBE)
    with connect(at, 120) as visitor:
        upload(visitor, BYTES, *acts)
    at = tunnel.forward_from(scene.path("bulk", "down"), sources, *NO_PROBE)
    with connect(at, 120) as visitor:
        download(visitor, BYTES, *acts)
    scene.fact("100 MB each way come as they were sent, while relay and home are killed and carriers cut")


def kill_in_turn(scene, wish, crowd, victims):
    chance = random.Random(wish.seed)
    for number in range(wish.kills):
        goal = crowd.moved() + chance.randrange(ENOUGH_BYTES)
        wait_for("a random moment", lambda least=goal: crowd.moved() >= least, 60)
        victim = victims[number % len(victims)]
        victim.kill()
        before = crowd.moved()
        victim.go_on()
        wait_for(f"bytes after kill {number + 1}",
                 lambda least=before + ENOUGH_BYTES: crowd.moved() >= least, 60)
        assert not crowd.broken(), crowd.broken()


def none_is_lost(scene, wish, tunnel, path):
    crowd = Crowd(wish.streams)
    target = Target(scene, crowd.serve, path)
    at = tunnel.forward_from(scene.path("crowd", "sock"), path, *NO_PROBE)
    crowd.come(at)
    kill_in_turn(scene, wish, crowd, (tunnel.relay, tunnel.home))
    moved = crowd.leave()
    served = sorted(tuple(reversed(target.result())) for _ in moved)
    assert served == moved, (served, moved)
    scene.fact(f"{wish.kills} kills: none of {wish.streams} connections of sockets broke, and "
               f"{sum(map(sum, moved)) >> 20} MB came as they were sent")


def visitors_too(scene, wish, tunnel, paths):
    """A visitor's own socket, for a home's."""
    path = paths["visited"]
    tunnel.forward_from(scene.path("visited", "sock"), path, *NO_PROBE)
    visitor = KeptDaemon(scene, "visitor")
    tunnel.relay.relayctl("visitor", "add", VISITOR, visitor.public_key(), "--may-reach",
                          f"{HOME_NAME}:{place_text(path)}")
    at = scene.path("visitor-side", "sock")
    visitor.start("visit", tunnel.address(), f"{HOME_NAME}:{place_text(path)}", "--listen",
                  place_text(at))
    wait_for("the visitor's socket", at.exists)
    crowd = Crowd(4)
    target = Target(scene, crowd.serve, path)
    crowd.come(at)
    short = argparse.Namespace(seed=wish.seed, kills=9)
    kill_in_turn(scene, short, crowd, (visitor, tunnel.relay, tunnel.home))
    moved = crowd.leave()
    served = sorted(tuple(reversed(target.result())) for _ in moved)
    assert served == moved, (served, moved)
    scene.fact("a visitor's socket leads to a socket of a home; all three were killed, no byte is lost")


def who_waits_goes_on(scene, tunnel, target):
    at = tunnel.forward_from(scene.path("waits", "sock"), target, *NO_PROBE)
    tunnel.home.kill()
    wait_for("the home to be away", lambda: tunnel.attached() is None)
    def descriptors():
        return tunnel.relay.ask("status")["resources"]["descriptors"]
    before = descriptors()
    with connect(at, 60) as visitor:
        visitor.sendall(b"x")
        wait_for("the relay to accept", lambda: descriptors() > before)
        tunnel.relay.kill()
        tunnel.relay.go_on()
        wait_for("the relay", lambda: tunnel.relay.relayctl("status", check=False).returncode == 0)
        tunnel.home.go_on()
        assert visitor.recv(1) == b"x"
    scene.fact("who waits for a home at a socket of the relay goes on waiting when it is killed")


def main():
    wish = options()
    print(f"seed {wish.seed}", flush=True)
    with Scene() as scene:
        postgres_port = parts.postgres(scene)
        parts.redis(scene)
        paths = {name: scene.path("targets", name)
                 for name in ("echo", "ends", "sink", "source", "crowd", "visited")}
        Service(scene, echo, paths["echo"])
        Service(scene, sink, paths["sink"])
        Service(scene, source, paths["source"])
        tunnel = KeptTunnel(scene, parts.redis_socket(scene), pathlib.Path(
            parts.postgres_socket(scene, postgres_port)), *paths.values())
        databases_answer(scene, tunnel, postgres_port)
        files_are_theirs(scene, tunnel, paths["echo"])
        each_way_ends_by_itself(scene, tunnel, paths["ends"])
        who_waits_goes_on(scene, tunnel, paths["echo"])
        hundred_megabytes(scene, tunnel, paths["sink"], paths["source"])
        none_is_lost(scene, wish, tunnel, paths["crowd"])
        visitors_too(scene, wish, tunnel, paths)


if __name__ == "__main__":
    main()
