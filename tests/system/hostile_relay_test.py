#!/usr/bin/env python3
"""A relay that keeps no rule gets nothing from a home but the targets it allows: its session ends, the
home's memory and log stay bounded, and the home goes on."""


from harness.processes import Scene, run
from harness.relayd import HOME_NAME, Daemon, build_folder
from harness.targets import Target, echo
from hostile_home_test import is_bounded, resident_kb

LOG_LINES_MOST = 15


class HostileRelay:
    def __init__(self, scene):
        self.port = scene.free_port()
        self.key = scene.path("hostile", "key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "relay", "-f", self.key)

    def does(self, verb, count, *ports):
        """To the home that dials next."""
        told = run(build_folder() / "tests/system/hostile-relay", self.key, self.port, verb, count, *ports,
                   check=False, seconds=60).stdout.strip()
        assert told, verb
        return told


def dialling_home(scene, relay, name, allowed):
    return Daemon(scene, name).start("home", f"ws://127.0.0.1:{relay.port}", "--name", HOME_NAME,
                                     "--allow", f"127.0.0.1:{allowed}")


def main():
    with Scene() as scene:
        allowed, forbidden = Target(scene, echo).port, scene.free_port()
        relay = HostileRelay(scene)
        home = dialling_home(scene, relay, "home", allowed)
        for verb, fact in [("unknown-stream", "data for a stream that was never opened"),
                           ("open-of-the-other-side", "an OPEN with a number of the home's side"),
                           ("credit-overrun", "more bytes than credit")]:
            told = relay.does(verb, 2000, allowed)
            assert told.endswith("closed"), f"{verb}: {told}"
            scene.fact(f"{fact} from a relay ends its session")

        before, lines = resident_kb(home.process), home.log().count("refused to dial")
        told = relay.does("open-for-ever", 2000, forbidden)
        more = resident_kb(home.process) - before
        lines = home.log().count("refused to dial") - lines
        assert is_bounded(home.process, more), more
        assert 0 < lines < LOG_LINES_MOST, lines
        scene.fact(f"200,000 OPENs of what is not allowed: {lines} lines of the log, {more} KiB more of memory; {told}")

        before = resident_kb(home.process)
        told = relay.does("open-for-ever", 300, allowed)
        more = resident_kb(home.process) - before
        assert is_bounded(home.process, more), more
        scene.fact(f"30,000 OPENs of what is allowed: {more} KiB more of memory; {told}")

        assert home.process.running() and home.relayctl("status").returncode == 0
        scene.fact("the home goes on")
        home.process.stop()
        home = dialling_home(scene, relay, "another", allowed)
        came = []
        secret = Target(scene, came.append).port
        told = relay.does("unannounced", 2000, allowed, secret)
        assert not came, "a data connection that nobody has announced"
        lines = home.log().count("no server has announced it")
        assert 0 < lines < LOG_LINES_MOST, lines
        scene.fact(f"2,000 data connections of FTP that no server has announced: {lines} lines of the log; {told}")


if __name__ == "__main__":
    main()
