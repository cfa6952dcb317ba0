#!/usr/bin/env python3
"""What a home and a visitor may take of a relay: streams, bytes a second, hours, targets; and a program that is
asked about each new session: a good one, and slow, crashing, garrulous, lying ones."""

import datetime
import json
import os
import pathlib
import socket
import subprocess
import threading
import time

from harness.clients import connect
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, Daemon
from harness.targets import Service, echo

RATE = 1 << 20  # Bytes a second.
EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "docs/examples/accept-on-duty"
DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
HOOKS = {
    "slow": "sleep 30; echo '{\"allow\":true}'",
    "crashing": "kill -SEGV $$",
    "failing": "echo '{\"allow\":true}'; exit 3",
    "garbage": "echo yes",
    "silent": "exit 0",
    "garrulous": "head -c 100000 /dev/zero | tr '\\0' x",
    "endless": "exec yes",
    "undecided": "echo '{\"reason\":\"who knows\"}'",
    "lying": "echo '{\"allow\":true,\"forwards\":[{\"listen\":\"20022\",\"to\":\"22\"}]}'",
    "confused": "echo '{\"allow\":true,\"forwards\":[{\"listen\":\"nonsense\"}]}'",
    "missing": None,
}
FAULTS = {
    "slow": "it gave no answer in time",
    "crashing": "it was ended by signal 11",
    "failing": "it ended with status 3",
    "garbage": "its answer is not understood",
    "silent": "its answer is not understood",
    "garrulous": "it answered too much",
    "endless": "it answered too much",
    "undecided": "its answer has no \"allow\"",
    "lying": "its forward 127.0.0.1:20022: its targets do not name 127.0.0.1:22",
    "confused": "its forward nonsense",
    "missing": "it cannot be run",
}


def endless(connection):
    with connection:
        while True:
            connection.sendall(bytes(65536))


class Street:
    """A relay with two homes and a visitor, all by its settings file."""

    def __init__(self, scene):
        self.scene = scene
        self.echo, self.endless = Service(scene, echo), Service(scene, endless)
        self.ports = {name: scene.free_port() for name in ("echo", "endless", "other", "free")}
        self.relay = Daemon(scene, "relay")
        self.homes = {name: Daemon(scene, name) for name in (HOME_NAME, "lab")}
        self.visitor = Daemon(scene, "visitor")
        self.door = f"wss://127.0.0.1:{scene.free_port()}"
        self.settings = scene.path("relay.yaml")
        self.write()
        self.relay.start("--config", self.settings)
        for name, daemon in self.homes.items():
            settings = scene.path(name, "relayd.yaml")
            allow = json.dumps([f"127.0.0.1:{port}" for port in (self.echo.port, self.endless.port, 22)])
            settings.write_text(f"home:\n  name: {name}\n  relay: {self.door}\n  allow: {allow}\n"
                                "  reconnect-first: 200ms\n  reconnect-most: 1s\n")
            daemon.start("--config", settings)
        self.wait_for_homes()

    def write(self, *, home=(), visitor=(), relay=()):
        def lines(indent, extra):
            return "".join(f"{' ' * indent}{line}\n" for line in extra)
        listen = "{{ listen: {}, to: {} }}".format
        self.settings.write_text(
            f"relay:\n  listen: {self.door}\n" + lines(2, relay) + "  homes:\n"
            f"    {HOME_NAME}:\n      key: \"{self.homes[HOME_NAME].public_key()}\"\n" + lines(6, home)
            + f"      forwards: [ {listen(self.ports['echo'], self.echo.port)}, "
            f"{listen(self.ports['endless'], self.endless.port)} ]\n"
            f"    lab:\n      key: \"{self.homes['lab'].public_key()}\"\n"
            f"      forwards: [ {listen(self.ports['other'], self.endless.port)} ]\n"
            f"  visitors:\n    alice:\n      key: \"{self.visitor.public_key()}\"\n"
            f"      may-reach: [ \"{HOME_NAME}:*\" ]\n" + lines(6, visitor))

    def apply(self, **extra):
        self.write(**extra)
        return self.relay.relayctl("reload").stdout

    def online(self, name):
        return next(home["online"] for home in self.relay.ask("home", "list")["homes"] if home["name"] == name)

    def wait_for_homes(self, *names):
        for name in names or self.homes:
            wait_for(f"the home {name}", lambda name=name: self.online(name))

    def redial(self, name=HOME_NAME):
        """Ends the home's session: it comes again."""
        self.relay.relayctl("session", "close", name, check=False)

    def is_served(self, name="echo"):
        try:
            with connect(self.ports[name]) as client:
                client.sendall(b"x")
                return client.recv(1) == b"x"
        except ConnectionError:
            return False

    def is_refused(self, text):
        """Not every refusal has a line of its own."""
        wait_for(f"the relay to say: {text}", lambda: not self.is_served() and text in self.relay.log(), 30)

    def log_has(self, text):
        wait_for(f"the relay to say: {text}", lambda: text in self.relay.log())


def bytes_in(client, seconds):
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        count += len(client.recv(1 << 20))
    return count


def streams_are_counted(street):
    changes = street.apply(home=["streams: 2"])
    assert f"what the home {HOME_NAME} may take, and when" in changes, changes
    with connect(street.ports["echo"]) as first, connect(street.ports["echo"]) as second:
        for client in (first, second):
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        street.is_refused("it has as many streams as it may, 2")
        first.close()
        wait_for("a place", street.is_served)
    policy = next(home for home in street.relay.ask("home", "list")["homes"] if home["name"] == HOME_NAME)["policy"]
    assert policy["streams_most"] == 2 and "closed" not in policy, policy
    assert "2 streams" in street.relay.relayctl("home", "list").stdout
    street.scene.fact("a third stream of a home that may have two is refused, until one has ended")


def a_rate_is_kept(street):
    street.apply(home=["rate: 1MiB/s"])
    with connect(street.ports["endless"]) as slow, connect(street.ports["other"]) as fast, \
            connect(street.ports["echo"]) as keys:
        bytes_in(slow, 0.7)  # What was saved up for a beginning.
        taken = {}
        other = threading.Thread(target=lambda: taken.update(fast=bytes_in(fast, 3)))
        other.start()
        began, echoes, slowest = time.monotonic(), 0, 0.0
        stop = threading.Event()

        def type_keys():
            nonlocal echoes, slowest
            while not stop.is_set():
                before = time.monotonic()
                keys.sendall(b"k")
                keys.recv(1)
                echoes, slowest = echoes + 1, max(slowest, time.monotonic() - before)
                stop.wait(0.02)
        typing = threading.Thread(target=type_keys)
        typing.start()
        count = bytes_in(slow, 3)
        rate = count / (time.monotonic() - began)
        stop.set()
        typing.join()
        other.join()
        assert 0.5 * RATE < rate < 1.3 * RATE, rate
        assert taken["fast"] > count, (taken, count)
        assert echoes > 3 and slowest < 2, (echoes, slowest)
        street.scene.fact(f"a home with 1 MiB/s has {rate / RATE:.2f} of it, another one beside it "
                          f"{taken['fast'] / 3e6:.0f} MB/s; {echoes} echoes in the slow one took at most "
                          f"{1000 * slowest:.0f} ms")
        rtt = street.relay.relayctl("--json", "ping", HOME_NAME, "--count", "5", "--every", "10ms").stdout
        summary = json.loads(rtt.splitlines()[-1])["summary"]
        assert summary["answered"] == 5 and summary["max_ms"] < 500, summary
        street.scene.fact(f"control frames wait for nothing: p99 of pings {summary['p99_ms']} ms")
        street.apply()
        bytes_in(slow, 0.3)
        freed = bytes_in(slow, 1)
        assert freed > 2 * RATE, freed
        street.scene.fact("without the rate the same stream is as fast as it can be")
    # The other way, and not a byte is lost.
    street.apply(home=["rate: 1MiB/s"])
    sent = os.urandom(3 << 20)
    with connect(street.ports["echo"]) as client:
        began = time.monotonic()
        writer = threading.Thread(target=client.sendall, args=[sent])
        writer.start()
        received = b""
        while len(received) < len(sent):
            received += client.recv(1 << 20)
        writer.join()
    took = time.monotonic() - began
    assert received == sent and took > 2, took
    street.scene.fact(f"3 MiB there and back at 1 MiB/s took {took:.1f} s, equal byte for byte")
    street.apply()


def not_now():
    """Hours that do not hold today, nor tomorrow."""
    return DAYS[(datetime.datetime.now().weekday() + 3) % 7] + " 10:00-11:00"


def hours_are_kept(street):
    scene, hours = street.scene, not_now()
    with connect(street.ports["echo"]) as living:
        living.sendall(b"x")
        assert living.recv(1) == b"x"
        street.apply(home=[f'hours: "{hours}"'])
        living.sendall(b"y")
        assert living.recv(1) == b"y"
        street.is_refused(f"was turned away: outside of its hours, {hours}")
        scene.fact("outside of a home's hours no stream begins, and those that live go on")
        policy = next(home["policy"] for home in street.relay.ask("home", "list")["homes"] if "policy" in home)
        assert policy["closed"] == f"outside of its hours, {hours}", policy
        street.redial()
        wait_for("the home to hear why", lambda: f"outside of its hours, {hours}" in street.homes[HOME_NAME].log())
        assert not street.online(HOME_NAME)
        street.log_has(f"refused the home {HOME_NAME}: outside of its hours")
        scene.fact("nor a session; the home is told why, and tries again")
    street.apply()
    street.wait_for_homes()
    assert street.is_served()


def visitors_have_rules_too(street):
    scene = street.scene
    street.apply(visitor=["streams: 1"])
    listen = scene.free_port()
    street.visitor.start("visit", street.door, f"{HOME_NAME}:{street.ports['echo']}", "--listen",
                         f"127.0.0.1:{listen}")
    scene.wait_for_port(listen, street.visitor.process)

    def reach():
        try:
            with connect(listen) as client:
                client.sendall(b"x")
                return client.recv(1) == b"x"
        except ConnectionError:
            return False
    with connect(listen) as first:
        first.sendall(b"x")
        assert first.recv(1) == b"x"
        assert not reach()
        street.log_has("refused a stream of the visitor alice: it has as many streams as it may, 1")
        wait_for("the visitor to hear of it", lambda: "limit reached" in street.visitor.log())
    wait_for("a place", reach)
    street.apply(visitor=[f'hours: "{not_now()}"'])
    assert not reach()
    street.log_has("refused a stream of the visitor alice: outside of its hours")
    assert "closed now" in street.relay.relayctl("visitor", "list").stdout
    street.apply()
    wait_for("the visitor to be let in again", reach)
    street.visitor.process.stop()
    scene.fact("a visitor's streams and hours are kept as a home's are, and it is told")


def targets_are_kept(street):
    scene, listen = street.scene, str(street.scene.free_port())
    wrong = street.relay.relayctl("forward", "add", listen, "--home", HOME_NAME, "--to", "127.0.0.1:22")
    assert wrong.returncode == 0
    street.apply(home=[f'targets: [ "127.0.0.1:{street.echo.port}", "127.0.0.1:{street.endless.port}" ]'])
    try:
        with socket.create_connection(("127.0.0.1", int(listen)), timeout=20) as client:
            refused = client.recv(1) == b""
    except ConnectionResetError:
        refused = True
    assert refused
    street.log_has("its targets do not name 127.0.0.1:22")
    street.relay.relayctl("forward", "remove", listen)
    refused = street.relay.relayctl("forward", "add", listen, "--home", HOME_NAME, "--to", "127.0.0.1:22",
                                    check=False)
    assert refused.returncode == 1 and "its targets do not name 127.0.0.1:22" in refused.stderr, refused.stderr
    assert street.is_served()
    scene.fact("forwards lead to what a home's targets name alone, those from before, too")


def write_hook(street, name, text):
    path = street.scene.path("hooks", name)
    # Others may run it, and read it: a hook of root's relayd runs as nobody.
    if text is not None:
        path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    for folder in list(path.parents)[:-2]:
        if folder.stat().st_uid == os.getuid() and folder != pathlib.Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o111)
    return path


def hook_line(path, **more):
    settings = {"program": path, "timeout": "2s", **more}
    return "accept-hook: {{ {} }}".format(", ".join(f"{key}: {value}" for key, value in settings.items()))


def a_good_hook(street):
    scene, listen = street.scene, street.scene.free_port()
    asked = scene.path("asked", "facts")
    asked.parent.chmod(0o777)
    answer = json.dumps({"allow": True, "reason": "on duty", "forwards": [
        {"listen": str(listen), "to": f"127.0.0.1:{street.echo.port}"}]})
    hook = write_hook(street, "good", f"cat > {asked}\nid -u > {asked}.user\nls /proc/self/fd > {asked}.descriptors\n"
                      f"env > {asked}.environment\ngrep NoNewPrivs /proc/self/status > {asked}.privileges\n"
                      f"ulimit -n >> {asked}.privileges\nps -o pgid= -p $$ > {asked}.group\necho $$ >> {asked}.group\n"
                      f"echo '{answer}'")
    street.apply(relay=[hook_line(hook)])
    street.redial()
    scene.wait_for_port(listen, street.relay.process)
    street.wait_for_homes()
    facts = json.loads(asked.read_text())
    assert (facts["relayd-accept"], facts["kind"], facts["name"], facts["carrier"], facts["asks"]) == \
        (1, "home", HOME_NAME, "wss", "session"), facts
    assert facts["address"].startswith("127.0.0.1:") and facts["fingerprint"].startswith("SHA256:"), facts

    def told(what):
        return asked.with_name(f"facts.{what}").read_text().split()
    user = int(told("user")[0])
    assert user == os.getuid() if os.getuid() else user == 65534, user
    assert set(told("descriptors")) <= {"0", "1", "2", "3"}, told("descriptors")  # 3 is ls's own.
    names = {line.split("=")[0] for line in told("environment")} - {"PWD", "_", "SHLVL", "OLDPWD"}
    assert names == {"PATH"}, names
    assert told("privileges") == ["NoNewPrivs:", "1", "64"], told("privileges")
    assert len(set(told("group"))) == 1, told("group")
    scene.fact("the hook is asked with the facts; it has nobody's rights, no descriptors, an empty environment, "
               "limits and a group of its own")
    with connect(listen) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        asked.unlink()
        # Carriers come and go: the session is the same, and nobody is asked.
        subprocess.run(["ss", "-H", "-t", "-K", "state", "established", f"dport = :{street.door.rsplit(':', 1)[1]}"],
                       check=True, stdout=subprocess.DEVNULL)
        street.wait_for_homes()
        client.sendall(b"y")
        assert client.recv(1) == b"y" and not asked.exists()
    scene.fact("a forward that it names serves, and a session that lives is not asked about again")
    street.apply()
    street.redial()
    wait_for("the forward to go with its session", lambda: all(
        not each["listen"].endswith(f":{listen}") for each in street.relay.ask("forward", "list")["forwards"]))
    street.wait_for_homes()
    scene.fact("and goes with its session")


def bad_hooks(street):
    targets = f'targets: [ "127.0.0.1:{street.echo.port}", "127.0.0.1:{street.endless.port}" ]'
    for name, text in HOOKS.items():
        hook = write_hook(street, name, text)
        street.apply(home=[targets], relay=[hook_line(hook)])
        street.redial()
        with connect(street.ports["other"]) as other:  # The other home is served all the while.
            street.log_has(f"{hook} failed for {HOME_NAME}, which is refused: {FAULTS[name]}")
            assert bytes_in(other, 0.1) > 0
        assert not street.online(HOME_NAME)
        street.scene.fact(f"a hook that is {name} lets nobody in, and the log says: {FAULTS[name]}")
    wait_for("the home to hear of it", lambda: "the relay's accept hook failed" in street.homes[HOME_NAME].log())
    denying = write_hook(street, "denying", "echo '{\"allow\":false,\"reason\":\"come on Monday\"}'")
    street.apply(relay=[hook_line(denying)])
    wait_for("the home to hear why", lambda: "come on Monday" in street.homes[HOME_NAME].log())
    street.scene.fact("who is denied hears the hook's reason")
    slow = str(street.scene.path("hooks", "slow"))
    wait_for("the slow hook to be gone", lambda: subprocess.run(
        ["pgrep", "-f", slow], check=False, stdout=subprocess.DEVNULL).returncode == 1)
    list_ = street.scene.path("hooks", "on-duty")
    list_.write_text(f"{HOME_NAME}\n")
    list_.chmod(0o644)
    example = write_hook(street, "example", EXAMPLE.read_text().replace("/etc/relayd/on-duty", str(list_)))
    street.apply(relay=[hook_line(example)])
    street.wait_for_homes(HOME_NAME)
    street.redial("lab")
    wait_for("the other to hear why", lambda: "not on duty" in street.homes["lab"].log())
    street.scene.fact("the example hook lets in who is on duty")
    street.apply()
    street.wait_for_homes()


def main():
    with Scene() as scene:
        street = Street(scene)
        streams_are_counted(street)
        a_rate_is_kept(street)
        hours_are_kept(street)
        visitors_have_rules_too(street)
        targets_are_kept(street)
        a_good_hook(street)
        bad_hooks(street)


if __name__ == "__main__":
    main()
