#!/usr/bin/env python3
"""A reload applies what has changed in the file, and touches nothing else."""

import os
import signal

from harness.clients import connect
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, Daemon
from harness.targets import Target


def tagging(tag):
    """Answers each piece with its own name, so that a visitor knows who answers."""
    def serve(connection):
        while connection.recv(100):
            connection.sendall(tag)
    return serve


def answer(visitor):
    visitor.sendall(b"who is it?")
    return visitor.recv(100)


def listens(port):
    try:
        connect(port, seconds=3).close()
    except ConnectionRefusedError:
        return False
    return True


class ConfiguredRelay(Daemon):
    """A relay whose forwards stand in its file."""

    def __init__(self, scene, carrier_port, key):
        super().__init__(scene, "relay")
        self.file = scene.path("relayd.yaml")
        self.carrier_port = carrier_port
        self.key = key

    def write(self, forwards):
        lines = [f'        - {{ listen: "127.0.0.1:{listen}", to: "127.0.0.1:{to}" }}'
                 for listen, to in forwards.items()]
        self.file.write_text("\n".join([
            "relay:", f'  listen: [ "wss://127.0.0.1:{self.carrier_port}" ]', "  homes:",
            f"    {HOME_NAME}:", f'      key: "{self.key}"', "      forwards:", *lines, ""]))


def main():
    with Scene() as scene:
        old, new = Target(scene, tagging(b"old")), Target(scene, tagging(b"new"))
        kept, changed, removed, added, carrier = (scene.free_port() for _ in range(5))
        home = Daemon(scene, "home")
        relay = ConfiguredRelay(scene, carrier, home.public_key())
        relay.write({kept: old.port, changed: old.port, removed: old.port})
        relay.start("--config", relay.file)
        home.start("home", f"wss://127.0.0.1:{carrier}", "--name", HOME_NAME,
                   "--allow", f"127.0.0.1:{old.port}", "--allow", f"127.0.0.1:{new.port}")
        visitors = {port: connect(port) for port in (kept, changed, removed)}
        assert all(answer(visitor) == b"old" for visitor in visitors.values())

        relay.write({kept: old.port, changed: new.port, added: new.port})
        os.kill(relay.process.pid, signal.SIGHUP)
        wait_for("the new forward", lambda: listens(added))
        assert all(answer(visitor) == b"old" for visitor in visitors.values())
        scene.fact("streams go on, those of forwards that changed or went away too")
        assert answer(connect(changed)) == b"new" and answer(connect(added)) == b"new"
        scene.fact("a changed forward leads to its new target at once, on the same port")
        assert not listens(removed)
        scene.fact("a removed forward no longer listens")

        relay.file.write_text('relay:\n  listen: [ "wzs://x" ]\n  bogus: 1\n')
        refused = relay.relayctl("reload", check=False)
        assert refused.returncode == 1
        assert "relayd.yaml:2:" in refused.stderr and "relayd.yaml:3:" in refused.stderr, refused
        assert answer(visitors[kept]) == b"old"
        scene.fact("a file with errors changes nothing, and all errors are told with their lines")


if __name__ == "__main__":
    main()
