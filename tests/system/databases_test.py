#!/usr/bin/env python3
"""Databases through a forward: many small questions, a message that is waited for, large results."""

from harness import parts
from harness.clients import HOST, connect, psql, redis_cli
from harness.processes import Scene, run
from harness.relayd import Tunnel

REDIS_REQUESTS = 5000
ROWS = 100_000


def redis_answers_many_requests(scene, port):
    shown = run("redis-benchmark", "-h", HOST, "-p", port, "-q", "-t", "get,set",
                "-n", REDIS_REQUESTS, "-c", 10).stdout
    assert "SET: " in shown and "GET: " in shown and "rror" not in shown, shown
    scene.fact(f"redis answers {REDIS_REQUESTS} SET and as many GET of 10 connections")


def redis_values_are_kept(scene, port):
    value = "0123456789" * 10_000
    assert redis_cli(port, "SET", "key", value) == "OK\n"
    assert redis_cli(port, "GET", "key") == value + "\n"
    scene.fact("redis gives back what was stored")


def a_message_arrives(scene, port):
    with connect(port) as subscriber:
        lines = subscriber.makefile("rb")
        subscriber.sendall(b"SUBSCRIBE news\r\n")
        assert [lines.readline() for _ in range(6)][4] == b"news\r\n"
        assert redis_cli(port, "PUBLISH", "news", "hello relay") == "1\n"
        message = [lines.readline() for _ in range(7)]
    assert message[2::2] == [b"message\r\n", b"news\r\n", b"hello relay\r\n"], message
    scene.fact("a redis subscriber gets a message")


def results_are_equal(scene, direct, port):
    psql(port, f"CREATE TABLE numbers AS SELECT n, md5(n::text) FROM generate_series(1, {ROWS}) n")
    query = "SELECT * FROM numbers ORDER BY n"
    through = psql(port, query)
    assert through == psql(direct, query) and through.count("\n") == ROWS
    scene.fact(f"psql gets {ROWS} rows, the same as without a tunnel")


def pgbench_runs(scene, port):
    pgbench = ["pgbench", "-h", HOST, "-p", port, "-U", "postgres", "postgres"]
    run(*pgbench, "--initialize", "--quiet")
    shown = run(*pgbench, "--client", 4, "--time", 3).stdout
    assert "number of failed transactions: 0 " in shown and "tps = " in shown, shown
    scene.fact("pgbench runs transactions of 4 clients, none failed")


def main():
    with Scene() as scene:
        redis, postgres = parts.redis(scene), parts.postgres(scene)
        tunnel = Tunnel(scene, redis, postgres)
        redis_port, postgres_port = tunnel.forward(redis), tunnel.forward(postgres)
        redis_answers_many_requests(scene, redis_port)
        redis_values_are_kept(scene, redis_port)
        a_message_arrives(scene, redis_port)
        results_are_equal(scene, postgres, postgres_port)
        pgbench_runs(scene, postgres_port)


if __name__ == "__main__":
    main()
