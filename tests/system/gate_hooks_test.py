#!/usr/bin/env python3
"""Commands of knockd.conf, which relayd-hooks runs: by stock knock, once for each visit, and the one for its
end also after restarts and kills of relayd-hooks and of relayd-gate."""

import os
import socket
import stat

from harness.gates import LONG, Gatehouse
from harness.processes import Scene
from harness.relayd import build_folder
from testhost import Network, wait_for

HOSTS = ("vps", "visitor", "other")
NO_GATE = 'relay: { listen: "ws://127.0.0.1:9" }\n'
KNOCKD = """[options]
    logfile = /nowhere
[brief]
    sequence = 10003,10001,10007
    seq_timeout = 60
    cmd_timeout = 10
    start_command = /usr/bin/touch {folder}/brief-%IP%
    stop_command = /bin/rm {folder}/brief-%IP%
[long]
    sequence = 11003:udp,11001,11007
    seq_timeout = 60
    cmd_timeout = 3600
    start_command = echo "%IP% $RELAYD_GATE $RELAYD_EVENT" >> {folder}/long
    stop_command = echo "%IP% $RELAYD_GATE $RELAYD_EVENT" >> {folder}/long
[each]
    sequence = 12003,12001,12007
    seq_timeout = 60
    command = echo %IP% >> {folder}/each
[broken]
    sequence = 13003,13001,13007
    seq_timeout = 60
    command = /nowhere/at/all %IP%
[once]
    one_time_sequences = /etc/once
    start_command = /bin/true
"""
BRIEF = ("10003", "10001", "10007")
LONG_ONE = ("11003:udp", "11001", "11007")
EACH = ("12003", "12001", "12007")
BROKEN = ("13003", "13001", "13007")


class Hooks:
    """relayd-hooks, beside the relayd-gate of a host."""

    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        self.socket = scene.path("hooks", "knocks.sock")
        self.state = scene.path("hooks", "state")
        self.folder = scene.path("marks", "x").parent
        self.house = Gatehouse(scene, network, NO_GATE, hooks=self.socket)
        self.process = None

    def start(self):
        self.process = self.scene.start("relayd-hooks", build_folder() / "daemon/hooks/relayd-hooks", "--config",
                                        self.house.config, "--socket", self.socket, "--state-dir", self.state)
        wait_for("relayd-hooks to listen", lambda: self.socket.exists() and self.listens(), LONG)

    def listens(self):
        assert self.process.running(), self.process.text()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ringer:
            try:
                ringer.sendto(b"nonsense", str(self.socket))
            except ConnectionRefusedError:
                return False
        return True

    def has(self, mark, host="visitor"):
        return (self.folder / f"{mark}-{self.network.addresses[host]}").exists()

    def lines(self, name):
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    def owes(self):
        return (self.state / "owed").read_text() if (self.state / "owed").exists() else ""

    def knock_until(self, what, is_true, steps, host="visitor"):
        self.house.knock(host, *steps)
        wait_for(what, is_true, LONG)


def import_hooks(hooks):
    settings = hooks.scene.path("knockd.conf")
    settings.write_text(KNOCKD.format(folder=hooks.folder))
    imported = hooks.house.relayctl("knock", "import", settings)
    assert "[once]: left out: one_time_sequences are refused" in imported.stderr, imported.stderr
    assert imported.stderr.count("its commands are run by relayd-hooks") == 4, imported.stderr
    hooks.house.write(NO_GATE + imported.stdout)
    assert hooks.house.relayctl("gate", "apply").returncode == 0
    hooks.scene.fact("relayctl knock import keeps knockd's commands, and refuses one_time_sequences")


def nobody_runs_them(hooks):
    hooks.house.knock("visitor", *EACH)
    wait_for("relayd-gate to say so", lambda: hooks.house.log_has("the command of gate each is not run"), LONG)
    assert not hooks.lines("each")
    hooks.scene.fact("without relayd-hooks nothing is run, and relayd-gate says so")


def start_and_stop(hooks):
    hooks.start()
    assert stat.S_IMODE(os.stat(hooks.socket).st_mode) == 0o600
    hooks.house.knock("visitor", *reversed(BRIEF))
    hooks.house.knock("other", *BRIEF[:2])
    hooks.knock_until("its start", lambda: "gate brief: its start-command was run" in hooks.process.text(), BRIEF)
    assert not hooks.has("brief", "other")
    # rm, which fails where nothing was touched.
    wait_for("its end", lambda: "gate brief: its stop-command was run" in hooks.process.text(), LONG)
    assert not hooks.has("brief")
    wait_for("nothing to be owed", lambda: not hooks.owes(), LONG)
    hooks.scene.fact("stock knock runs start_command, and stop_command after cmd_timeout, for the knocker alone")


def each_knock(hooks):
    address = hooks.network.addresses["visitor"]
    for count in (1, 2):
        hooks.knock_until("its command", lambda count=count: len(hooks.lines("each")) >= count, EACH)
    assert hooks.lines("each") == [address] * 2
    hooks.scene.fact("a command without an end is run at each knock")
    hooks.knock_until("a fault", lambda: "gate broken: its start-command has failed" in hooks.process.text(), BROKEN)
    hooks.scene.fact("one that cannot be run is told in the log")


def outlives_restarts(hooks):
    address = hooks.network.addresses["visitor"]
    hooks.knock_until("its start", lambda: hooks.lines("long") == [f"{address} long start"], LONG_ONE)
    hooks.process.kill()
    hooks.start()
    hooks.house.process.stop()
    hooks.house.start()
    hooks.house.knock("visitor", *LONG_ONE)
    wait_for("the knock", lambda: hooks.house.log_has("gate long is open for"), LONG)
    assert hooks.lines("long") == [f"{address} long start"] and address in hooks.owes()
    hooks.scene.fact("who knocks again while he is in is not let in twice, also after a kill of relayd-hooks")
    hooks.house.relayctl("gate", "close", "long", address)
    wait_for("its end", lambda: len(hooks.lines("long")) == 2, LONG)
    assert hooks.lines("long")[1] == f"{address} long stop"
    wait_for("nothing to be owed", lambda: not hooks.owes(), LONG)
    hooks.scene.fact("closing the gate runs stop_command at once, after restarts of both programs")


def is_run_late(hooks):
    hooks.house.knock("visitor", *BRIEF)
    wait_for("it to be owed", hooks.owes, LONG)
    hooks.process.kill()
    # The command itself may have been killed with it, or not have begun.
    (hooks.folder / f"brief-{hooks.network.addresses['visitor']}").touch()
    wait_for("its time to be over", lambda: not hooks.house.who("brief"), LONG)
    assert hooks.owes() and hooks.has("brief")
    hooks.start()
    wait_for("its end", lambda: not hooks.has("brief") and not hooks.owes(), LONG)
    hooks.scene.fact("a stop_command whose time was over while relayd-hooks did not run is run at its start")


def who_may_say_what_is_run(hooks):
    before = hooks.lines("each")
    hooks.house.config.chmod(0o666)
    hooks.knock_until("a refusal", lambda: "others than root may write to it" in hooks.process.text(), EACH)
    assert hooks.lines("each") == before
    hooks.scene.fact("commands of a file that others may write to are not run")
    hooks.house.config.chmod(0o600)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ringer:
        for news in (b"", b"open each", b"open each 192.0.2.7;id", b"open nothing 192.0.2.7", b"x" * 4000,
                     b"open each $(id)"):
            ringer.sendto(news, str(hooks.socket))
    hooks.knock_until("another command", lambda: len(hooks.lines("each")) > len(before), EACH)
    assert hooks.lines("each") == [*before, before[0]]
    hooks.scene.fact("what is no news of a gate is nothing")


def main():
    with Scene() as scene, Network(*HOSTS) as network:
        hooks = Hooks(scene, network)
        import_hooks(hooks)
        nobody_runs_them(hooks)
        start_and_stop(hooks)
        each_knock(hooks)
        outlives_restarts(hooks)
        is_run_late(hooks)
        who_may_say_what_is_run(hooks)


if __name__ == "__main__":
    main()
