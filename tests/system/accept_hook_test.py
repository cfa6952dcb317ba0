#!/usr/bin/env python3
"""Many at once who are to be asked about: as many run as may, as many wait as may, the others come again; who
has gone is not asked about; and a hook that fails for everybody leaves the log readable."""

import re

from harness.processes import Scene, wait_for
from harness.relayd import Daemon
from policy_test import hook_line, write_hook

HOMES = 8
AT_ONCE = 1
WAITING = 4 * AT_ONCE
# Says that it runs, how many others do, and waits until it may end.
ONE_AT_A_TIME = """
mkdir {folder}/running || touch {folder}/two-at-once
echo x >> {folder}/asked
while [ ! -e {folder}/go ]; do sleep 0.05; done
rmdir {folder}/running
echo '{{"allow":true}}'
"""
LINES_A_MINUTE = 3
FAILED = re.compile(r"the accept hook \S+ failed for")
MORE_FAILED = re.compile(r"the accept hook failed \d+ more times")


class Crowd:
    def __init__(self, scene):
        self.scene = scene
        self.folder = scene.path("queue", "x").parent
        self.folder.chmod(0o777)  # The hook is nobody, where relayd is root.
        self.relay = Daemon(scene, "relay")
        self.homes = [Daemon(scene, f"home{number}") for number in range(HOMES)]
        self.door = f"wss://127.0.0.1:{scene.free_port()}"
        self.settings = scene.path("relay.yaml")

    def start(self, *lines):
        homes = "".join(f"    {home.name}: {{ key: \"{home.public_key()}\" }}\n" for home in self.homes)
        self.settings.write_text(f"relay:\n  listen: {self.door}\n" + "".join(f"  {line}\n" for line in lines)
                                 + f"  homes:\n{homes}")
        if self.relay.process:
            self.relay.relayctl("reload")
        else:
            self.relay.start("--config", self.settings)

    def come(self):
        for home in self.homes:
            file = self.scene.path(home.name, "relayd.yaml")
            file.write_text(f"home:\n  name: {home.name}\n  relay: {self.door}\n  carrier: wss\n"
                            "  reconnect-first: 200ms\n  reconnect-most: 1s\n")
            home.start("--config", file)

    def leave(self):
        for home in self.homes:
            home.process.stop()
            self.relay.relayctl("session", "close", home.name, check=False)

    def count(self, text):
        return sum(home.log().count(text) for home in self.homes)

    def asked(self):
        file = self.folder / "asked"
        return len(file.read_text().split()) if file.exists() else 0

    def online(self):
        return sum(home["online"] for home in self.relay.ask("home", "list")["homes"])


def some_wait_and_others_come_again(crowd):
    hook = write_hook(crowd, "one-at-a-time", ONE_AT_A_TIME.format(folder=crowd.folder))
    crowd.start(hook_line(hook, **{"timeout": "60s", "at-once": AT_ONCE}), "handshake-timeout: 60s")
    crowd.come()
    wait_for("those for whom there is no place", lambda: sum(
        "too many are asked about" in home.log() for home in crowd.homes) >= HOMES - AT_ONCE - WAITING, 60)
    wait_for("the first question", crowd.asked, 60)
    assert crowd.asked() == AT_ONCE and crowd.online() == 0, (crowd.asked(), crowd.online())
    (crowd.folder / "go").touch()
    wait_for("all homes", lambda: crowd.online() == HOMES, 120)
    assert not (crowd.folder / "two-at-once").exists()
    assert crowd.asked() >= HOMES, crowd.asked()
    crowd.scene.fact(f"of {HOMES} at once {AT_ONCE} is asked about, {WAITING} wait, and the others are told to come "
                     "again; in the end all are in")
    crowd.leave()


def who_has_gone_is_not_asked_about(crowd):
    """Those who waited too long come again and again, in the same relay's memory, while verdicts come late."""
    for name in ("go", "asked"):
        (crowd.folder / name).unlink()
    hook = write_hook(crowd, "one-at-a-time", ONE_AT_A_TIME.format(folder=crowd.folder))
    crowd.start(hook_line(hook, **{"timeout": "60s", "at-once": AT_ONCE}), "handshake-timeout: 1s")
    crowd.come()
    wait_for("many to have given up", lambda: crowd.count("redialling") >= 3 * HOMES, 120)
    assert crowd.asked() == AT_ONCE, crowd.asked()
    (crowd.folder / "go").touch()
    wait_for("all homes", lambda: crowd.online() == HOMES, 120)
    assert crowd.relay.process.running()
    crowd.scene.fact("who gave up is asked about no more, and a verdict that comes too late is nobody's")
    crowd.leave()


def failures_have_few_lines(crowd):
    hook = write_hook(crowd, "broken", "exit 3")
    before = len(crowd.relay.log())
    crowd.start(hook_line(hook))
    crowd.come()
    wait_for("many refusals", lambda: crowd.count("the relay's accept hook failed") >= 5 * HOMES, 120)
    log = crowd.relay.log()[before:]
    minutes = len(MORE_FAILED.findall(log)) + 1
    assert 1 <= len(FAILED.findall(log)) <= LINES_A_MINUTE * minutes, log
    crowd.scene.fact(f"a hook that fails for everybody has {LINES_A_MINUTE} lines a minute")


def main():
    with Scene() as scene:
        crowd = Crowd(scene)
        some_wait_and_others_come_again(crowd)
        who_has_gone_is_not_asked_about(crowd)
        failures_have_few_lines(crowd)


if __name__ == "__main__":
    main()
