#!/usr/bin/env python3
"""Web servers through a forward: large files, ranges, many requests at once over HTTP/2."""

from harness import parts
from harness.clients import HOST, curl, random_file, sha256
from harness.processes import Scene
from harness.relayd import Tunnel

BIG_BYTES = 200_000_000
SMALL_BYTES = 1_000_000
PARALLEL = 8


def a_large_file_is_equal(scene, server, port):
    original = random_file(server.root / "big", BIG_BYTES)
    copy = scene.path("big-copy")
    curl("-o", copy, f"http://{HOST}:{port}/big")
    assert sha256(copy) == sha256(original)
    scene.fact("200 MB over HTTP/1.1 are equal byte for byte")


def ranges_are_equal(scene, server, port):
    with open(server.root / "big", "rb") as original:
        for begin, end in ((0, 0), (1, 65536), (BIG_BYTES // 2, BIG_BYTES // 2 + 3_000_000),
                           (BIG_BYTES - 7, BIG_BYTES - 1)):
            copy = scene.path("range")
            status = curl("-o", copy, "-w", "%{http_code}", "-r", f"{begin}-{end}",
                          f"http://{HOST}:{port}/big")
            original.seek(begin)
            assert status == "206" and copy.read_bytes() == original.read(end - begin + 1)
    scene.fact("ranges of it are equal byte for byte")


def http2_in_parallel_is_equal(scene, server, port):
    names = [f"small{number}" for number in range(PARALLEL)]
    folder = scene.path("small", "x").parent
    for name in names:
        random_file(server.root / name, SMALL_BYTES)
    seen = curl("--http2", "--cacert", server.certificate, "--parallel", "--parallel-max", PARALLEL,
                "-w", "%{http_version} %{http_code}\n", "--output-dir", folder,
                *[word for name in names for word in ("-o", name, f"https://{HOST}:{port}/{name}")])
    assert seen == "2 200\n" * PARALLEL, seen
    for name in names:
        assert sha256(folder / name) == sha256(server.root / name)
    scene.fact(f"{PARALLEL} files at once over HTTP/2 in TLS are equal byte for byte")


def short_connections_are_served(scene, port):
    for _ in range(50):
        curl("-o", scene.path("short"), f"http://{HOST}:{port}/small0")
        assert scene.path("short").stat().st_size == SMALL_BYTES
    scene.fact("50 connections of one request each are served in full")


def main():
    with Scene() as scene:
        server = parts.nginx(scene)
        simple = parts.python_http(scene, server.root)
        tunnel = Tunnel(scene, server.plain_port, server.tls_port, simple)
        port = tunnel.forward(server.plain_port)
        a_large_file_is_equal(scene, server, port)
        ranges_are_equal(scene, server, port)
        http2_in_parallel_is_equal(scene, server, tunnel.forward(server.tls_port))
        short_connections_are_served(scene, tunnel.forward(simple))


if __name__ == "__main__":
    main()
