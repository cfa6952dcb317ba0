#!/usr/bin/env python3
"""One line from the relay makes a machine a home; removing the home ends everything it had."""

import base64
import contextlib
import hashlib
import os
import pty
import re
import select
import shutil
import socket
import stat
import subprocess
import time

from harness.clients import connect
from harness.processes import Scene, run, wait_for
from harness.relayd import Daemon, build_folder
from harness.targets import Target, echo

RELAYD = build_folder() / "daemon/relayd"
INVITATIONS_MOST = 256


class Machine:
    """A machine that joins: its own configuration, state and control socket."""

    def __init__(self, scene, name):
        self.daemon = Daemon(scene, name)
        self.config = scene.path(name, "etc", "relayd.yaml")

    def command(self, invited, *options):
        program, join, url, token = invited
        assert (program, join) == ("relayd", "join"), invited
        return [RELAYD, "join", url, token, *options, "--config", self.config,
                "--state-dir", self.daemon.state, "--control", self.daemon.socket]

    def join(self, invited, *options, status=0):
        done = run(*self.command(invited, *options), check=False)
        assert done.returncode == status, done
        return done.stdout + done.stderr

    def start(self):
        self.daemon.start("--config", self.config)
        return self


class Relay(Daemon):
    def __init__(self, scene, name="relay"):
        super().__init__(scene, name)
        self.port = scene.free_port()

    def run(self):
        self.start("relay", "--listen", f"wss://127.0.0.1:{self.port}")
        return self

    def invite(self, name, *options):
        return self.relayctl("invite", name, *options).stdout.split()

    def invited(self):
        return [each["home"] for each in self.ask("invites")["invitations"]]

    def is_online(self, name):
        return any(each["home"] == name and each["state"] == "attached"
                   for each in self.ask("sessions")["sessions"])

    def homes(self):
        return {each["name"]: each for each in self.ask("home", "list")["homes"]}


def with_another_secret(token):
    """The same token, as somebody would make it who has to guess its secret (PROTOCOL.md 3.1)."""
    told = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    told[33:49] = os.urandom(16)
    told[-4:] = hashlib.sha256(b"relayd-token-v1" + told[:-4]).digest()[:4]
    return base64.urlsafe_b64encode(told).rstrip(b"=").decode()


def says(port, text=b"hello"):
    with connect(port, seconds=20) as visitor:
        visitor.sendall(text)
        return visitor.recv(100) == text


def on_terminal(command, answer):
    """What the command prints on a terminal where somebody types `answer` at its question."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], [str(word) for word in command])
    shown = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 30)
        assert ready, shown
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break  # So a terminal tells its end.
        if not part:
            break
        asked = b"[y/N]" in shown
        shown += part
        if b"[y/N]" in shown and not asked:
            os.write(terminal, answer + b"\n")
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    return shown.decode()


def one_line_is_enough(scene, relay, target):
    port = scene.free_port()
    invited = relay.invite("work-pc", "--forward", f"{port}=127.0.0.1:{target.port}")
    home = Machine(scene, "work-pc")
    # The relay restarts in between: what it wrote down lets nobody in, and the token still does.
    stored = (relay.state / "homes").read_text()
    assert "@work-pc" in stored and invited[3] not in stored
    relay.process.stop()
    relay.run()
    shown = home.join(invited, "--yes")
    for text in ("work-pc", f"127.0.0.1:{target.port}", "SHA256:", str(home.config)):
        assert text in shown, shown
    for file in (home.config, home.daemon.state / "id_ed25519", relay.state / "homes"):
        assert stat.S_IMODE(file.stat().st_mode) & 0o137 == 0, file
    home.start()
    wait_for("the home", lambda: relay.is_online("work-pc"))
    assert says(port)
    scene.fact("invite, join, and a visitor reaches the target through the forward")
    assert relay.invited() == []
    return home, port, invited


def a_token_works_once(scene, relay, home, invited):
    before = relay.homes()
    other = Machine(scene, "thief")
    shown = other.join(invited, "--yes", status=1)
    assert "used" in shown and not other.config.exists(), shown
    assert relay.homes().keys() == before.keys()
    assert "to invite it again: relayctl invite work-pc" in relay.log()
    scene.fact("a token that was used lets nobody else in")
    # The same home may ask again: it may not have heard that it was registered.
    session = relay.ask("sessions")["sessions"][0]["id"]
    shown = home.join(invited, "--yes")
    assert "stays as it is" in shown, shown
    assert [each["id"] for each in relay.ask("sessions")["sessions"]] == [session]
    assert len(relay.homes()["work-pc"]["fingerprints"]) == 1
    scene.fact("joining again with the same key changes nothing, and ends no session")


def a_key_is_one_home(scene, relay, home):
    invited = relay.invite("second-name")
    second = Machine(scene, "second-name")
    second.daemon.state = home.daemon.state
    shown = second.join(invited, "--yes", status=1)
    assert "known here as the home work-pc" in shown and "--key" in shown, shown
    assert "second-name" in relay.invited() and "second-name" not in relay.homes()
    relay.relayctl("invite", "revoke", "second-name")
    scene.fact("the key of a home does not become another home, and the invitation stays good")


def an_invitation_of_a_known_home_adds_a_key(scene, relay, target):
    """As when a machine is replaced, and its successor is tried first."""
    port = scene.free_port()
    first, second = Machine(scene, "first"), Machine(scene, "second")
    first.join(relay.invite("twin", "--forward", f"{port}=127.0.0.1:{target.port}"), "--yes")
    first.start()
    wait_for("the home", lambda: relay.is_online("twin"))
    done = relay.relayctl("invite", "twin")
    assert "one more key of the same home" in done.stderr, done
    scene.fact("inviting a home that is known says that whoever joins comes in beside it")

    second.join(done.stdout.split(), "--yes")
    second.daemon.start("--config", second.config)
    second.daemon.relayctl("allow", f"127.0.0.1:{target.port}")
    assert len(relay.homes()["twin"]["fingerprints"]) == 2
    wait_for("the newer to take over", lambda: "took the session over" in first.daemon.log())
    wait_for("the forward", lambda: says(port))
    assert len([each for each in relay.ask("sessions")["sessions"] if each["home"] == "twin"]) == 1
    scene.fact("both keys are the same home: the newest has its forwards, and the other says so")

    second.daemon.process.stop()
    first.daemon.process.stop()
    first.start()
    wait_for("the first again", lambda: says(port))
    relay.relayctl("home", "remove", "twin")
    wait_for("the first to be refused", lambda: "removed this home" in first.daemon.log())
    second.start()
    wait_for("the second to be refused", lambda: "refuses us" in second.daemon.log())
    assert not relay.is_online("twin") and "twin" not in relay.homes()
    for machine in (first, second):
        machine.daemon.process.stop()
    scene.fact("home remove revokes all of a home's keys")


def an_invitation_ends(scene, relay):
    short = relay.invite("late", "--expires", "1s")
    wait_for("the invitation's end", lambda: "late" not in relay.invited())
    late = Machine(scene, "late")
    shown = late.join(short, "--yes", status=1)
    assert "expired" in shown and "relayctl invite late" in shown, shown
    scene.fact("an invitation that has expired is refused, and the command for another one is shown")

    def words(shown):
        return re.sub(r"(expired|holds) .* machine's clock", "", shown)
    *before, token = relay.invite("late")
    guessed = late.join([*before, with_another_secret(token)], "--yes", status=1)
    assert words(guessed) == words(shown) and "late" in relay.invited()
    scene.fact("a secret that is only guessed is refused with the same words")

    revoked = relay.invite("late")
    relay.relayctl("invite", "revoke", "late")
    assert words(late.join(revoked, "--yes", status=1)) == words(shown)
    replaced = relay.invite("late")
    relay.invite("late")
    late.join(replaced, "--yes", status=1)
    relay.relayctl("invite", "revoke", "late")
    assert relay.relayctl("invite", "revoke", "late", check=False).returncode == 1
    scene.fact("a revoked invitation is refused with the same words")


def of_those_at_once_one_is_let_in(scene, relay):
    invited = relay.invite("contested")
    racers = [Machine(scene, f"racer-{number}") for number in range(4)]
    running = [subprocess.Popen([str(word) for word in racer.command(invited, "--yes")], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for racer in racers]
    shown = [process.communicate(timeout=30)[0] for process in running]
    statuses = sorted(process.returncode for process in running)
    assert statuses == [0, 1, 1, 1], shown
    assert sum("was used" in each for each in shown) == 3, shown
    assert len(relay.homes()["contested"]["fingerprints"]) == 1
    assert [racer.config.exists() for racer in racers].count(True) == 1
    relay.relayctl("home", "remove", "contested")
    scene.fact("of four that join at once by one token, one is let in")


def invitations_have_a_limit(scene, relay):
    assert relay.invited() == []
    names = [f"guest-{number}" for number in range(INVITATIONS_MOST)]
    for name in names:
        relay.invite(name)
    refused = relay.relayctl("invite", "one-more", check=False)
    assert refused.returncode == 1 and f"{INVITATIONS_MOST} invitations" in refused.stderr, refused
    assert sorted(relay.invited()) == sorted(names)
    relay.invite(names[0])  # In place of its own.
    relay.relayctl("invite", "revoke", names[0])
    relay.invite("one-more")
    for name in ["one-more", *names[1:]]:
        relay.relayctl("invite", "revoke", name)
    scene.fact(f"a relay has at most {INVITATIONS_MOST} invitations, and says so")


def mistakes_are_told_apart(scene, relay):
    invited = relay.invite("careless")
    careless = Machine(scene, "careless")
    program, join, url, token = invited
    shown = careless.join([program, join, url, token[:-1]], "--yes", status=2)
    assert "copy the whole line again" in shown, shown
    shown = careless.join([program, join, "vps.example.com", token], "--yes", status=2)
    assert "wss://" in shown, shown
    shown = careless.join([program, join, f"wss://127.0.0.1:{scene.free_port()}", token], status=1)
    assert "is relayd running" in shown or "port open" in shown, shown
    shown = careless.join([program, join, "wss://no-such-host.invalid", token], status=1)
    assert "DNS" in shown, shown

    other = Relay(scene, "other").run()
    other.relayctl("invite", "careless")
    shown = careless.join([program, join, f"wss://127.0.0.1:{other.port}", token], status=1)
    assert "not the relay that invited" in shown and "in between" in shown, shown
    assert "careless" not in other.log().replace("invitations.add", ""), other.log()
    assert "careless" in relay.invited()
    scene.fact("a mangled token, a wrong host, a wrong port and a wrong relay are told apart")

    careless.config.write_text("relay:\n")
    shown = careless.join(invited, status=2)
    assert "a relay" in shown and "move it away" in shown, shown
    assert careless.config.read_text() == "relay:\n"
    careless.config.write_text('home: { name: x, relay: "wss://x" }\n')
    assert "the home x" in careless.join(invited, status=2)
    assert "careless" in relay.invited()
    scene.fact("a configuration that is there is not overwritten, and the invitation is not used up")
    relay.relayctl("invite", "revoke", "careless")


def the_operator_of_the_home_decides(scene, relay, target):
    port, answers = scene.free_port(), {}
    for answer in ("y", "n"):
        name = f"asked-{answer}"
        invited = relay.invite(name, "--forward", f"{scene.free_port()}={target.port}")
        machine = Machine(scene, name)
        shown = on_terminal(machine.command(invited), answer.encode())
        assert "[y/N]" in shown and str(target.port) in shown, shown
        answers[answer] = machine.config.read_text()
        assert (f"relayctl allow 127.0.0.1:{target.port}" in shown) == (answer == "n"), shown
    assert f"127.0.0.1:{target.port}" in answers["y"], answers
    assert str(target.port) not in answers["n"], answers
    scene.fact("on a terminal it asks, and y and n are heeded")

    invited = relay.invite("silent", "--forward", f"{port}={target.port}")
    silent = Machine(scene, "silent")
    shown = silent.join(invited)
    assert f"relayctl allow 127.0.0.1:{target.port}" in shown, shown
    silent.start()
    wait_for("the home", lambda: relay.is_online("silent"))
    with contextlib.suppress(ConnectionResetError), connect(port, seconds=20) as visitor:
        assert visitor.recv(1) == b""
    silent.daemon.relayctl("allow", f"127.0.0.1:{target.port}")
    assert says(port)
    silent.daemon.process.stop()
    silent.start()
    wait_for("the home", lambda: relay.is_online("silent"))
    wait_for("a visitor's answer", lambda: says(port))
    scene.fact("without a terminal nothing is allowed, until relayctl allow says so, for good")


def an_ordinary_user_joins_too(scene, relay, target):
    programs = [shutil.copy(build_folder() / name, scene.path("bin", name.split("/")[1]))
                for name in ("daemon/relayd", "ctl/relayctl")]
    folder = scene.path("user", "home")
    for each in (folder, folder / "run"):
        each.mkdir()
        shutil.chown(each, "nobody", "nogroup")
    user = {"env": {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"), "PATH": os.environ["PATH"]}}
    as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    port = scene.free_port()
    invited = relay.invite("laptop", "--forward", f"{port}={target.port}")
    shown = run(*as_user, programs[0], *invited[1:], "--yes", **user).stdout
    assert "to run it: relayd\n" in shown, shown
    config = folder / ".config/relayd/relayd.yaml"
    assert config.owner() == "nobody" and stat.S_IMODE(config.stat().st_mode) == 0o600
    scene.start("laptop", *as_user, programs[0], **user)
    wait_for("the home", lambda: relay.is_online("laptop"))
    assert says(port)
    assert "laptop" in run(*as_user, programs[1], "status", **user).stdout
    scene.fact("an ordinary user joins too, with all of it in folders of his own")


def a_removed_home_is_out_at_once(scene, relay, home, port, target):
    before = home.daemon.log().count("dialling")
    relay.invite("work-pc")
    with connect(port, seconds=20) as visitor:
        visitor.sendall(b"hello")
        assert visitor.recv(100) == b"hello"
        began = time.monotonic()
        relay.relayctl("home", "remove", "work-pc")
        try:
            assert visitor.recv(1) == b""
        except ConnectionResetError:
            pass
        assert time.monotonic() - began < 5
    with socket.socket() as late:
        assert late.connect_ex(("127.0.0.1", port)) != 0
    assert "work-pc" not in relay.homes() and relay.invited() == []
    wait_for("the home to say so", lambda: "removed this home" in home.daemon.log(), 5)
    problems = home.daemon.ask("status")["problems"]
    assert any("removed this home" in each for each in problems), problems
    assert home.daemon.log().count("dialling") <= before + 1
    scene.fact("home remove ends the visitor's connection at once, and the home shows why")

    home.daemon.process.stop()
    home.start()
    told = wait_for("the home to say so", lambda: re.findall(
        r"removed this home; let us in there with: relayctl home add work-pc '.*', redialling in ([0-9.]+) s",
        home.daemon.log()))
    # One that the relay has never let in asks again within a second.
    assert len(told) == 1 and float(told[0]) > 1.5, told
    scene.fact("after a restart it knows so still, says so once, and stays away")

    invited = relay.invite("work-pc", "--forward", f"{port}=127.0.0.1:{target.port}")
    home.join(invited, "--yes")
    home.daemon.relayctl("reload")
    wait_for("the home", lambda: relay.is_online("work-pc"))
    assert says(port)
    scene.fact("a new invitation lets it in again, at once after a reload")


def main():
    with Scene() as scene:
        target = Target(scene, echo)
        relay = Relay(scene).run()
        home, port, invited = one_line_is_enough(scene, relay, target)
        a_token_works_once(scene, relay, home, invited)
        a_key_is_one_home(scene, relay, home)
        an_invitation_of_a_known_home_adds_a_key(scene, relay, target)
        an_invitation_ends(scene, relay)
        of_those_at_once_one_is_let_in(scene, relay)
        invitations_have_a_limit(scene, relay)
        mistakes_are_told_apart(scene, relay)
        the_operator_of_the_home_decides(scene, relay, target)
        an_ordinary_user_joins_too(scene, relay, target)
        a_removed_home_is_out_at_once(scene, relay, home, port, target)


if __name__ == "__main__":
    main()
