#!/usr/bin/env python3
"""A home listens itself, to reach targets of its relay and forwards of another home: as far as the
relay permits, by real servers, and through cuts, restarts and kills of all of them."""

import json
import os
import signal

from harness import parts
from harness.clients import SshClient, connect, random_file, sha256
from harness.exchange import Exchange, Transfer
from harness.keeper import KeptDaemon
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME
from harness.targets import Target

STREAMS = 4
BYTES_PER_STREAM = 25_000_000
LAB = "lab"


def write(file, lines):
    file.write_text("\n".join(lines) + "\n")
    return file


def relay_file(scene, address, targets, keys, forwards, may_reach, policy=()):
    """Everything in the file: two homes, the forwards of the one, and what the other may reach."""
    return write(scene.path("relay", "relayd.yaml"), [
        "relay:", f"  listen: [ {json.dumps(address)} ]",
        f"  targets: {json.dumps([f'127.0.0.1:{port}' for port in targets])}",
        "  homes:",
        f"    {HOME_NAME}:", f"      key: {json.dumps(keys[HOME_NAME])}", "      forwards:",
        *(f'        - {{ listen: {listen}, to: {to}, probe: none }}' for listen, to in forwards.items()),
        f"    {LAB}:", f"      key: {json.dumps(keys[LAB])}",
        f"      may-reach: {json.dumps(may_reach)}", *policy])


def lab_file(scene, address, reach):
    maps = [json.dumps({"to": to, "listen": str(listen)}) for listen, to in reach.items()]
    return write(scene.path(LAB, "relayd.yaml"), [
        "home:", f"  name: {LAB}", f"  relay: {address}", f"  reach: [ {', '.join(maps)} ]"])


def what_is_not_permitted(scene, lab, relay, ports):
    for port in ports:
        try:
            with connect(port) as client:
                assert client.recv(1) == b""
        except ConnectionResetError:
            pass  # Perhaps before connect() has returned.
    wait_for("both to say so", lambda: "may-reach" in lab.log() and "may-reach" in relay.log())
    scene.fact("what may-reach has not, and what is no target of the relay, is refused, and both say so")


def as_its_policy_says(scene, relay, write_relay, port, redis):
    write_relay(["      streams: 1"])
    relay.relayctl("reload")
    with connect(port) as first:
        first.sendall(b"PING\r\n")
        assert first.recv(7) == b"+PONG\r\n"
        shown = relay.ask("streams")["streams"]
        assert [(each["home"], each["target"]) for each in shown] == [(LAB, f"127.0.0.1:{redis}")], shown
        try:
            with connect(port) as second:
                assert second.recv(1) == b""
        except ConnectionResetError:
            pass  # Perhaps before connect() has returned.
        wait_for("the relay to say so", lambda: "as many streams as it may, 1" in relay.log())
        first.sendall(b"PING\r\n")
        assert first.recv(7) == b"+PONG\r\n"
        relay.relayctl("stream", "close", str(shown[0]["id"]))
        try:
            assert first.recv(1) == b""
        except ConnectionResetError:
            pass
    scene.fact("the relay lists what a home opened to a target of the relay, and closes it")
    scene.fact("what a home opens counts as its policy's streams do, and those there are go on")


def disasters(scene, daemons, cut, port, target, answer):
    def restart(daemon, number):
        daemon.end(number)
        daemon.go_on()

    relay, home, lab = daemons
    steps = [cut, lambda: restart(relay, signal.SIGTERM), lambda: restart(lab, signal.SIGTERM), cut,
             lambda: restart(relay, signal.SIGKILL), lambda: restart(lab, signal.SIGKILL),
             lambda: restart(home, signal.SIGKILL)]
    with Transfer(port, target, answer, STREAMS, len(steps)) as transfer:
        for step in steps:
            transfer.next()
            step()
        transfer.end()
    scene.fact("carriers cut, relay, both homes restarted and killed: 100 MB each way are equal byte for byte")


def main():
    with Scene() as scene:
        server, redis = parts.sshd(scene), parts.redis(scene)
        answer = os.urandom(BYTES_PER_STREAM)
        busy = Target(scene, lambda connection: Exchange(answer).run(connection))
        own = Target(scene, lambda connection: Exchange(answer).run(connection))
        carrier, ssh_at, busy_at = (scene.free_port() for _ in range(3))
        here = {name: scene.free_port() for name in ("ssh", "redis", "busy", "own", "no", "never")}
        address = f"wss://127.0.0.1:{carrier}"
        relay, home, lab = (KeptDaemon(scene, name) for name in ("relay", "home", LAB))
        keys = {HOME_NAME: home.public_key(), LAB: lab.public_key()}

        def write_relay(policy=()):
            return relay_file(
                scene, address, [redis, own.port], keys, {ssh_at: server.port, busy_at: busy.port},
                [f"relay:{redis}", f"relay:{own.port}", f"relay:{server.port}", f"{HOME_NAME}:{ssh_at}",
                 f"{HOME_NAME}:{busy_at}"], policy)
        relay.start("--config", write_relay())
        home.start("home", address, "--name", HOME_NAME, "--allow", f"127.0.0.1:{server.port}",
                   "--allow", f"127.0.0.1:{busy.port}")
        lab.start("--config", lab_file(scene, address, {
            here["ssh"]: f"{HOME_NAME}:{ssh_at}", here["redis"]: f"relay:{redis}",
            here["busy"]: f"{HOME_NAME}:{busy_at}", here["own"]: f"relay:{own.port}",
            here["no"]: f"{HOME_NAME}:1", here["never"]: f"relay:{server.port}"}))
        wait_for("both homes", lambda: len([each for each in relay.ask("sessions")["sessions"]
                                            if each["state"] == "attached"]) == 2)

        pong = run("redis-cli", "-p", here["redis"], "ping")
        assert pong.stdout.strip() == "PONG", pong
        scene.fact("a home reaches redis beside its relay by a listener of its own")
        client = SshClient(scene, server, here["ssh"])
        original, there, back = (scene.path(name) for name in ("original", "there", "back"))
        random_file(original, 5_000_000)
        client.upload(original, there)
        client.download(there, back)
        assert sha256(there) == sha256(back) == sha256(original)
        scene.fact("ssh reaches another home's sshd through the relay")
        with connect(here["ssh"]) as visitor:
            assert visitor.recv(4) == b"SSH-"
            shown = {each["visitor"] for each in relay.ask("streams")["streams"]}
            assert shown == {LAB}, shown
            shown = lab.ask("streams")["streams"]
            assert [each["target"] for each in shown] == [f"{HOME_NAME}:{ssh_at}"], shown
        listed = {each["listen"]: each for each in lab.ask("forward", "list")["forwards"]}
        assert listed[f"127.0.0.1:{here['redis']}"]["listening"], listed
        scene.fact("the relay shows the home's name as visitor; the home lists its listeners")
        what_is_not_permitted(scene, lab, relay, [here["no"], here["never"]])

        def cut():
            wait_for("carriers to cut", lambda: len(run(
                "ss", "-H", "-t", "-K", "state", "established", f"dport = :{carrier}"
            ).stdout.splitlines()) >= 2)

        disasters(scene, (relay, home, lab), cut, here["busy"], busy, answer)
        disasters(scene, (relay, home, lab), cut, here["own"], own, answer)
        wait_for("the streams to end", lambda: not lab.ask("streams")["streams"])
        as_its_policy_says(scene, relay, write_relay, here["redis"], redis)


if __name__ == "__main__":
    main()
