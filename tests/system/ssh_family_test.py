#!/usr/bin/env python3
"""OpenSSH through a forward: a login, copies both ways, and a tree of files."""

import os

from harness import parts
from harness.clients import SshClient, random_file, sha256
from harness.processes import Scene, run
from harness.relayd import Tunnel

COPY_BYTES = 20_000_000
TREE_FILES = 301


def a_login_runs_a_command(scene, client):
    assert client.run("echo", "hello from home") == "hello from home\n"
    scene.fact("ssh logs in and runs a command")
    failed = client.run("sh -c 'exit 7'; echo $?", check=False)
    assert failed == "7\n", failed


def copies_are_equal(scene, client):
    original = random_file(scene.path("original"), COPY_BYTES)
    there, back = scene.path("there"), scene.path("back")
    client.upload(original, there)
    assert sha256(there) == sha256(original)
    scene.fact("scp brings 20 MB to the home, equal byte for byte")
    client.download(there, back)
    assert sha256(back) == sha256(original)
    scene.fact("scp fetches 20 MB from the home, equal byte for byte")


def a_tree_is_equal(scene, client):
    source, copy = scene.path("tree", "x").parent, scene.path("copy", "x").parent
    for number in range(TREE_FILES):
        random_file(scene.path("tree", f"folder{number % 7}", f"file{number}"), number * 500)
    os.symlink("folder1/file1", source / "link")
    client.rsync_from(source, copy)
    run("diff", "-r", "--no-dereference", source, copy)
    scene.fact(f"rsync fetches {TREE_FILES} files, and diff finds no difference")


def main():
    with Scene() as scene:
        server = parts.sshd(scene)
        tunnel = Tunnel(scene, server.port)
        client = SshClient(scene, server, tunnel.forward(server.port))
        a_login_runs_a_command(scene, client)
        copies_are_equal(scene, client)
        a_tree_is_equal(scene, client)


if __name__ == "__main__":
    main()
