#!/usr/bin/env python3
"""What the sandbox of relayd.service leaves to accept hooks and to unix sockets, on machines booted by
systemd: where a hook may lie and what it may do; sockets in /run/relayd, whose streams outlive restarts
and kills of the unit.

usage: sandbox_test.py BUILD_FOLDER
"""

import json
import pathlib
import sys

from harness.clients import connect
from harness.processes import Scene, wait_for
from harness.traffic import exactly
from service_restart_test import Machines, property_of
from testhost import Host, Network, why_impossible

HOOK = "/usr/local/lib/relayd/accept"
HIDDEN = ("/tmp/accept", "/root/accept", "/home/accept")
SERVED = "/run/things/echo.sock"
LISTEN = "/run/relayd/echo.sock"
TRIES = {"folder of settings": "/etc/relayd/x", "system": "/usr/x", "runtime folder": "/run/relayd/x"}
PROGRAM = f"""#!/usr/bin/python3
import json, os, pathlib, socket, sys
facts = json.load(sys.stdin)
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
def may(act):
    try:
        return bool(act())
    except OSError:
        return False
facts["seen"] = {{
    "uid": os.getuid(), "files": os.sysconf("SC_OPEN_MAX"),
    **{{name: status[name].strip() for name in ("NoNewPrivs", "CapEff", "Seccomp")}},
    "writes": [name for name, path in {TRIES!r}.items() if may(lambda: [pathlib.Path(path).touch()])],
    "network": may(lambda: socket.socket()), "home": may(lambda: os.listdir("/root")),
}}
with open("/run/relayd/facts", "w") as file:
    json.dump(facts, file)
print(json.dumps({{"allow": True}}))
"""
ECHO_SERVER = f"""
import os, socket, threading
def echo(peer):
    with peer:
        while part := peer.recv(65536):
            peer.sendall(part)
os.makedirs("{pathlib.PurePath(SERVED).parent}", exist_ok=True)
server = socket.socket(socket.AF_UNIX)
server.bind("{SERVED}")
os.chmod("{SERVED}", 0o666)
server.listen()
while True:
    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
"""


def settings(*lines):
    text = ["relay:", '  listen: [ "wss://0.0.0.0:443" ]', *(f"  {line}" for line in lines)]
    return ("\n".join(text) + "\n").encode()


def apply(host, *lines):
    host.write_now("/etc/relayd/relayd.yaml", settings(*lines))
    host.run("relayctl", "reload")


def said(host, text):
    return text in host.run("journalctl", "-b", "-u", "relayd", "-o", "cat").stdout


def a_hook_runs_in_the_sandbox(scene, machines):
    relay = machines.relay
    apply(relay, f"accept-hook: {HOOK}")
    relay.run("relayctl", "session", "close", "work-pc")
    facts = wait_for("the hook", lambda: relay.path("/run/relayd/facts").exists(), 60)
    machines.wait_for_session()
    facts = json.loads(relay.read("/run/relayd/facts"))
    seen = facts["seen"]
    assert facts["name"] == "work-pc" and facts["kind"] == "home", facts
    assert seen["uid"] == int(relay.run("id", "-u", "relayd").stdout), seen
    assert (seen["NoNewPrivs"], seen["Seccomp"], int(seen["CapEff"], 16)) == ("1", "2", 0), seen
    assert seen["files"] == 64, seen
    assert seen["writes"] == ["runtime folder"] and seen["network"] and not seen["home"], seen
    scene.fact("a hook in /usr/local/lib runs as user relayd, in the sandbox and within its limits: it may use the "
               "network, and write to nothing but relayd's own folders")


def a_hook_that_the_sandbox_hides(scene, machines):
    relay = machines.relay
    for path in HIDDEN:
        relay.write_now(path, PROGRAM.encode())
        relay.run("chmod", "755", path)
        apply(relay, f"accept-hook: {path}")
        relay.run("relayctl", "session", "close", "work-pc", check=False)
        wait_for(f"a word of {path}", lambda path=path: said(
            relay, f"the accept hook {path} failed for work-pc, which is refused: it cannot be run"), 60)
    scene.fact("a hook in /home, /root or /tmp is not seen, nobody gets in, and the journal says so")
    apply(relay)
    machines.wait_for_session()


def must_echo(visitor, word):
    visitor.sendall(word)
    assert exactly(visitor, len(word)) == word


def inode(host):
    return host.path(LISTEN).stat().st_ino


def sockets_outlive_the_unit(scene, machines):
    relay, home = machines.relay, machines.home
    relay.run("relayctl", "forward", "add", f"unix:{LISTEN}", "--home", "work-pc", "--to", f"unix:{SERVED}",
              "--probe", "none")
    before = inode(relay)
    with connect(relay.path(LISTEN), 60) as visitor:
        must_echo(visitor, b"before")
        for host in (relay, home):
            for what in ("restart", "kill"):
                pid = property_of(host, "MainPID")
                host.run("systemctl", *(["restart", "relayd"] if what == "restart"
                                        else ["kill", "--kill-whom=main", "--signal=KILL", "relayd"]))
                wait_for("the next process", lambda host=host, pid=pid: (
                    property_of(host, "ActiveState") == "active"
                    and property_of(host, "MainPID") not in (pid, "0")), 60)
                must_echo(visitor, f"after a {what} of {host.name}".encode())
        assert inode(relay) == before
        with connect(relay.path(LISTEN), 60) as another:
            must_echo(another, b"another")
        must_echo(visitor, b"still")
    scene.fact("a stream from a socket in /run/relayd to another one outlives restarts and kills of the unit on either "
               "machine, and so does the socket's file")


def other_folders_are_closed(scene, machines):
    relay = machines.relay
    relay.run("mkdir", "-p", "-m", "777", "/srv/others")
    refused = relay.run("relayctl", "forward", "add", "unix:/srv/others/x", "--home", "work-pc", "--to",
                        f"unix:{SERVED}", "--probe", "none", check=False)
    assert refused.returncode == 1 and "Read-only file system" in refused.stderr, refused
    assert "ReadWritePaths= must have it" in refused.stderr, refused
    scene.fact("in other folders it may make no socket, and says what is missing")


def tools_know_of_sockets(scene, machines):
    relay = machines.relay
    stale = relay.run("relayctl", "stale").stdout
    assert "nobody holds a port" in stale, stale
    checkup = relay.run("relayctl", "doctor", check=False)
    assert checkup.returncode == 0 and f"a visitor at unix:{LISTEN} is served" in checkup.stdout, checkup
    assert f"unix:{SERVED} takes connections" in checkup.stdout, checkup
    scene.fact("relayctl doctor goes through a socket to its target, and relayctl stale is about ports alone")


def main():
    if reason := why_impossible():
        print(f"skipped: {reason}")
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    with Scene() as scene, Network("relay", "home") as network, \
            Host("relay", network) as relay, Host("home", network) as home:
        relay.write(HOOK, PROGRAM, 0o755)
        home.write("/usr/local/lib/echo", ECHO_SERVER)
        machines = Machines(build, network, relay, home)
        try:
            home.run("systemd-run", "--unit=things", "/usr/bin/python3", "/usr/local/lib/echo")
            home.run("relayctl", "allow", f"unix:{SERVED}")
            wait_for("the target", lambda: home.path(SERVED).exists())
            a_hook_runs_in_the_sandbox(scene, machines)
            a_hook_that_the_sandbox_hides(scene, machines)
            sockets_outlive_the_unit(scene, machines)
            other_folders_are_closed(scene, machines)
            tools_know_of_sockets(scene, machines)
        except BaseException:
            for host in (relay, home):
                print(host.run("journalctl", "-b", "-u", "relayd", "-o", "short-precise").stdout)
            raise


if __name__ == "__main__":
    main()
