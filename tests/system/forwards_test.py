#!/usr/bin/env python3
"""What an operator does with forwards, sessions and streams while a relay runs."""

import contextlib
import json
import socket

from harness.clients import connect
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, Daemon, Tunnel, build_folder
from harness.targets import Target, echo

RANGE = 5
SESSION_KEYS = {"home", "id", "state", "address", "since", "since_s", "carriers", "streams", "bytes_in",
                "bytes_out", "forwards"}
STREAM_KEYS = {"id", "home", "session", "listen", "target", "visitor", "state", "since", "since_s",
               "bytes_in", "bytes_out", "buffered_bytes"}
FORWARD_KEYS = {"home", "listen", "target", "probe_kind", "grace_s", "origin", "listening",
                "streams", "streams_total", "refused"}


def consecutive_ports(scene):
    """The first of RANGE free ports in a row."""
    while True:
        first = scene.free_port()
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for port in range(first, first + RANGE):
                probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


def answers(port, visitor=None):
    with contextlib.ExitStack() as stack:
        if visitor is None:
            try:
                visitor = stack.enter_context(connect(port, seconds=30))
            except ConnectionRefusedError:
                return False
        visitor.sendall(b"hello")
        return visitor.recv(100) == b"hello"


def is_open(port):
    try:
        connect(port, seconds=5).close()
        return True
    except ConnectionRefusedError:
        return False


def listed(tunnel):
    return {each["listen"]: each for each in tunnel.relay.ask("forward", "list")["forwards"]}


def add(tunnel, *words, check=True):
    return tunnel.relay.relayctl("forward", "add", *map(str, words), check=check)


def a_range_is_one_command(scene, tunnel, echoing):
    first = consecutive_ports(scene)
    span = f"{first}-{first + RANGE - 1}"
    add(tunnel, span, "--home", HOME_NAME, "--to", f"127.0.0.1:{span}")
    assert len(listed(tunnel)) == RANGE, listed(tunnel)
    tunnel.relay.relayctl("forward", "remove", span)
    assert not listed(tunnel)
    assert not any(is_open(port) for port in range(first, first + RANGE))
    scene.fact(f"{RANGE} ports in a row are added and removed at once")

    with socket.create_server(("127.0.0.1", first + 3)):
        refused = add(tunnel, span, check=False)
    assert refused.returncode == 1 and "address already in use" in refused.stderr.lower(), refused
    assert not listed(tunnel)
    scene.fact("one of them in use: none is added, exit 1 with the system's words")

    port = tunnel.forward(echoing)
    assert answers(port) and f"127.0.0.1:{port}" in listed(tunnel)
    tunnel.relay.relayctl("forward", "remove", str(port))
    assert not listed(tunnel) and not is_open(port)
    scene.fact("a removed forward is neither listed nor open")


def wrong_words_have_their_status(scene, tunnel):
    for status, words in ((2, []), (2, ["--no-such-option", "1"]), (1, ["1-0"]),
                          (1, ["4000", "--home", "nobody"]),
                          (1, ["4000", "--probe", "no-such-probe"]),
                          (1, [str(tunnel.carrier_port)])):
        done = add(tunnel, *words, check=False)
        assert done.returncode == status and done.stderr, (words, status, done)
    assert not listed(tunnel)
    missing = tunnel.relay.relayctl("forward", "remove", "4000", check=False)
    assert missing.returncode == 1 and "forward list" in missing.stderr, missing
    scene.fact("forward add: exit 2 for a wrong command line, 1 for what relayd refuses")


def a_forward_expires(scene, tunnel, echoing):
    port = tunnel.forward(echoing, "--for", "2s")
    assert answers(port)
    assert "expires" in listed(tunnel)[f"127.0.0.1:{port}"]
    wait_for("the end of its time", lambda: not is_open(port), 6)
    assert not listed(tunnel)
    scene.fact("--for 2s: it works, and then its listener is closed")


def json_has_the_documented_keys(scene, tunnel, port):
    with connect(port) as visitor:
        answers(port, visitor)
        [session] = tunnel.relay.ask("sessions")["sessions"]
        [stream] = tunnel.relay.ask("streams")["streams"]
        forward = listed(tunnel)[f"127.0.0.1:{port}"]
    for value, keys in ((session, SESSION_KEYS), (stream, STREAM_KEYS), (forward, FORWARD_KEYS)):
        assert keys <= value.keys(), keys - value.keys()
    assert (forward["streams"], forward["streams_total"]) == (1, 1), forward
    scene.fact("--json of sessions, streams and forwards has the documented keys")


def one_stream_is_closed(scene, tunnel, port):
    wait_for("no streams", lambda: not tunnel.relay.ask("streams")["streams"])
    with connect(port) as visitor, connect(port) as other:
        assert answers(port, other)
        assert answers(port, visitor)
        mine = f"127.0.0.1:{visitor.getsockname()[1]}"
        [stream] = [each for each in tunnel.relay.ask("streams")["streams"]
                    if each["visitor"] == mine]
        tunnel.relay.relayctl("stream", "close", str(stream["id"]))
        try:
            heard = visitor.recv(1)
            raise AssertionError(f"no reset, but {heard!r}")
        except ConnectionResetError:
            pass
        assert answers(port, other)
    scene.fact("stream close resets that visitor, and no other")


def a_closed_session_comes_back(scene, tunnel, port):
    events = scene.start("events", build_folder() / "ctl/relayctl", "--control",
                         tunnel.relay.socket, "--json", "events")
    spare = str(scene.free_port())

    def follows():
        """It says nothing until something happens: so something does, until it is heard."""
        tunnel.relay.relayctl("forward", "add", spare, "--temporary", "--probe", "none")
        tunnel.relay.relayctl("forward", "remove", spare)
        return events.text()
    wait_for("the follower", follows)
    before = tunnel.attached()["id"]
    tunnel.relay.relayctl("session", "close", HOME_NAME)
    wait_for("another session", lambda: (tunnel.attached() or {"id": before})["id"] != before)
    wait_for("the forward", lambda: answers(port))
    scene.fact("session close ends it, and the home comes back with another")

    def coming():
        lines = [json.loads(line) for line in events.text().splitlines()]
        return [each for each in lines if (each["kind"], each.get("home")) ==
                ("home-online", HOME_NAME)]
    wait_for("its event", coming)
    scene.fact("relayctl events --json shows it coming")
    with connect(port) as visitor:
        assert answers(port, visitor)
        mine = f"127.0.0.1:{visitor.getsockname()[1]}"
        stream, = (each["id"] for each in tunnel.relay.ask("streams")["streams"] if each["visitor"] == mine)

    def streams_said():
        lines = [json.loads(line) for line in events.text().splitlines()]
        return [each["kind"] for each in lines if each["text"].startswith(f"stream {stream} of {mine}")
                and each["forward"] == f"127.0.0.1:{port}"]
    wait_for("its stream's events", lambda: streams_said() == ["stream-opened", "stream-closed"])
    scene.fact("and the beginning and end of each stream")
    events.stop()


def a_restart_keeps_what_was_added(scene, tunnel, echoing, lasting):
    fleeting = tunnel.forward(echoing, "--temporary")
    origins = {port: listed(tunnel)[f"127.0.0.1:{port}"]["origin"] for port in (lasting, fleeting)}
    assert origins == {lasting: "runtime", fleeting: "temporary"}, origins
    tunnel.relay.process.stop()
    tunnel.relay.start("relay", "--listen", tunnel.address())
    tunnel.wait_for_session(40)
    assert list(listed(tunnel)) == [f"127.0.0.1:{lasting}"], listed(tunnel)
    assert answers(lasting) and not is_open(fleeting)
    scene.fact("a restarted relay knows its home and its forward, and has forgotten a temporary one")


def two_homes_must_be_told_apart(scene, tunnel):
    second = Daemon(scene, "second")
    tunnel.relay.relayctl("home", "add", "second", second.public_key())
    second.start("home", tunnel.address(), "--name", "second")
    wait_for("two homes", lambda: len(tunnel.sessions()) == 2)
    refused = add(tunnel, scene.free_port(), check=False)
    assert refused.returncode == 1 and "--home" in refused.stderr, refused
    scene.fact("two homes are connected: forward add asks for --home")


def main():
    with Scene() as scene:
        target = Target(scene, echo)
        tunnel = Tunnel(scene, target.port)
        a_range_is_one_command(scene, tunnel, target.port)
        wrong_words_have_their_status(scene, tunnel)
        a_forward_expires(scene, tunnel, target.port)
        port = tunnel.forward(target.port)
        json_has_the_documented_keys(scene, tunnel, port)
        one_stream_is_closed(scene, tunnel, port)
        a_closed_session_comes_back(scene, tunnel, port)
        a_restart_keeps_what_was_added(scene, tunnel, target.port, port)
        two_homes_must_be_told_apart(scene, tunnel)


if __name__ == "__main__":
    main()
