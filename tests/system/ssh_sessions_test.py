#!/usr/bin/env python3
"""What relayd shows of ssh sessions that watch their ports, what an operator may do to them, and
what other users may not.

usage: ssh_sessions_test.py BUILD_FOLDER
"""

import json
import pathlib
import sys

from harness.processes import Scene, wait_for
from harness.ssh_homes import SshHomes, prepare
from ssh_homes_test import EVERY, RELAY, forward, lines, nothing_is_left, wait_for_line
from systemd_service_test import install
from testhost import Host, Network, why_impossible

# Says lines on the watch socket, and prints what comes until it is closed or falls silent.
SPEAKER = """
import json, socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect("/run/relayd/watch.sock")
peer.settimeout(float(sys.argv[1]))
try:
    peer.sendall(sys.stdin.buffer.read())
    while part := peer.recv(65536):
        sys.stdout.write(part.decode())
    print("closed")
except (TimeoutError, ConnectionResetError, BrokenPipeError) as fault:
    print(type(fault).__name__)
"""
# Many connections of one user at once, and how many of them are turned away within a second.
CROWD = """
import selectors, socket, time
turned_away, watched, peers = 0, selectors.DefaultSelector(), []
for _ in range(60):
    peers.append(socket.socket(socket.AF_UNIX))
    peers[-1].connect("/run/relayd/watch.sock")
    watched.register(peers[-1], selectors.EVENT_READ, bytearray())
until = time.monotonic() + 1
while events := watched.select(until - time.monotonic()):
    for key, _ in events:
        part = key.fileobj.recv(4096)
        key.data.extend(part)
        if not part:
            watched.unregister(key.fileobj)
            turned_away += b"error" in key.data
print(turned_away)
"""


class Test:
    def __init__(self, scene, network, host):
        self.scene, self.host = scene, host
        self.homes = SshHomes(scene, network, host)

    def sessions(self):
        listed = json.loads(self.host.run("relayctl", "--json", "sessions").stdout)["sessions"]
        return {session["home"]: session for session in listed}

    def watch(self, at, user, port, *options, target=3389):
        client = self.homes.dial(at, user, *forward(port, target),
                                 remote=["relayctl", "watch", str(port), "--probe", "rdp", *EVERY, *options])
        wait_for_line(client, " ok, RDP")
        wait_for(f"{user}:{port}", lambda: self.sessions().get(f"{user}:{port}", {}).get("bytes_in"))
        return client

    def speak(self, user, *requests, seconds=2):
        """As a user that has a program of his own."""
        text = "\n".join(['{"relay-control":1}', *(json.dumps({"id": number, "do": method, "with": words})
                                                   for number, (method, words) in enumerate(requests))])
        self.host.write_now("/tmp/said", (text + "\n").encode())
        self.host.write_now("/tmp/speaker.py", SPEAKER.encode())
        done = self.host.run("sh", "-c", f"exec runuser -u {user} -- python3 /tmp/speaker.py {seconds} < /tmp/said")
        return done.stdout

    def sessions_are_shown(self):
        clients = [self.watch("home", "tun", 3389), self.watch("home", "tun", 3390),
                   self.watch("other", "second", 3391), self.watch("other", "root", 3392)]
        shown = self.sessions()
        assert sorted(shown) == ["root:3392", "second:3391", "tun:3389", "tun:3390"], shown
        for home, session in shown.items():
            carrier, = session["carriers"]
            assert carrier["kind"] == "ssh" and carrier["rtt_ms"] > 0, carrier
            assert carrier["address"].startswith("10.78.0."), carrier
            only, = session["forwards"]
            assert only["listen"] == "127.0.0.1:" + home.split(":")[1], only
            assert only["probe"]["ok"] and only["probe"]["detail"].startswith("RDP, TLS"), only
            assert session["bytes_in"] > 1000 and session["bytes_out"] > 1000, session
        print(self.host.run("relayctl", "sessions").stdout)
        status = json.loads(self.host.run("relayctl", "--json", "status").stdout)
        assert status["sessions"] == 4, status
        self.scene.fact("several users and ports are shown with address, round-trip time, bytes and probe")
        return clients

    def visitors_are_counted(self):
        self.host.write_now("/tmp/visit.py", b"""
import socket, time
with socket.create_connection(("127.0.0.1", 3389)) as visitor:
    visitor.sendall(bytes.fromhex("030000130ee000000000000100080003000000"))
    assert visitor.recv(100)
    visitor.sendall(b"x" * 100000)
    left = 100000
    while left:
        left -= len(visitor.recv(65536))
    time.sleep(1000)
""")
        before = self.sessions()["tun:3389"]["bytes_in"]
        self.host.run("systemd-run", "--quiet", "--unit=visitor", "python3", "/tmp/visit.py")
        wait_for("the visitor to be counted", lambda: self.sessions()["tun:3389"]["streams"] == 1)
        wait_for("its bytes", lambda: self.sessions()["tun:3389"]["bytes_in"] > before + 100000)
        self.host.run("systemctl", "stop", "visitor")
        wait_for("the visitor to have left", lambda: self.sessions()["tun:3389"]["streams"] == 0)
        self.scene.fact("visitors and their bytes are counted")

    def they_come_again_after_a_restart(self, clients):
        self.host.run("systemctl", "restart", "relayd")
        wait_for("all sessions", lambda: len(self.sessions()) == 4)
        self.host.run("systemctl", "stop", "relayd")
        for client in clients:
            wait_for_line(client, "relayd is not there")
            seen = len(lines(client, " ok, RDP"))
            wait_for_line(client, " ok, RDP", seen + 2)
        self.host.run("systemctl", "start", "relayd")
        wait_for("all sessions", lambda: len(self.sessions()) == 4)
        assert all(client.running() for client in clients)
        self.scene.fact("they register again when relayd was away, and probe meanwhile")

    def a_session_that_is_closed_ends(self, clients):
        self.host.run("relayctl", "session", "close", "second")
        assert clients[2].wait(20) == 1, clients[2].text()
        assert "closed by an operator" in clients[2].text(), clients[2].text()
        wait_for("its end", lambda: "second:3391" not in self.sessions())
        self.homes.wait_for_no_listener(3391)
        self.host.run("relayctl", "session", "close", "tun:3390")
        assert clients[1].wait(20) == 1 and clients[0].running()
        done = self.host.run("relayctl", "session", "close", "nobody", check=False)
        assert done.returncode == 1 and "no session" in done.stderr, done
        self.scene.fact("session close ends the ssh session, by user or by user and port")

    def a_living_one_is_not_stale(self):
        done = self.host.run("relayctl", "stale", "kill", "3389", "--yes", "--probe", "tcp", check=False)
        assert done.returncode == 1 and "watched for tun:3389, and served" in done.stderr, done
        listed = json.loads(self.host.run("relayctl", "--json", "stale").stdout)["stale"]
        ours = [entry for entry in listed if entry["listen"] == "127.0.0.1:3389"]
        assert ours[0]["wanted_by"] == "watched for tun:3389" and ours[0]["alive"], ours
        self.scene.fact("a session that is watched and serves is not taken for a stale one")

    def events_are_told(self, sick):
        follower = self.scene.start("events", *self.host.inside("relayctl", "--json", "events"))

        def wait_for_event(kind):
            wait_for(kind, lambda: [line for line in lines(follower, f'"kind":"{kind}"')
                                    if '"home":"second:3393"' in line])
        client = self.watch("home", "second", 3393, "--failures", "1000")
        wait_for_event("home-online")
        sick.touch()
        wait_for_event("probe-failed")
        sick.unlink()
        wait_for_event("probe-recovered")
        client.stop()
        wait_for_event("home-away")
        follower.stop()
        self.scene.fact("its coming, failing, recovering and leaving are events")

    def another_user_cannot_register_it(self):
        register = ("watch.register", {"port": 3389, "probe": "rdp"})
        assert "another user's" in self.speak("second", register)
        assert "another user's" in self.speak("second", ("watch.register", {"port": 22}))
        assert "nobody listens" in self.speak("second", ("watch.register", {"port": 3999}))
        said = self.speak("second", ("watch.release", {"port": 3389}))
        assert '"replaced":0' in said, said
        said = self.speak("second", ("watch.list", {}), ("sessions.list", {}),
                          ("sessions.close", {"session": "tun"}))
        assert "second:3391" in said and "tun" not in said and said.count("unsupported") == 2, said
        assert self.sessions()["tun:3389"]
        done = self.homes.as_user("second", "relayctl", "release", "3389", check=False)
        assert done.returncode == 1 and "another user's" in done.stderr, done
        self.scene.fact("another user can neither register a port, nor release it, nor see it")

    def strangers_are_bounded(self):
        said = self.speak("second", *[("watch.list", {})] * 100)
        assert "too many requests" in said and "Timeout" not in said, said
        said = self.speak("second", ("watch.list", {"x": "y" * 5000}))
        assert "too-large" in said, said
        self.host.write_now("/tmp/crowd.py", CROWD.encode())
        # One is there already.
        assert self.homes.as_user("second", "python3", "/tmp/crowd.py").stdout == "29\n"
        assert self.sessions()["tun:3389"]
        self.scene.fact("requests, lines and clients of a user are bounded")

    def a_hung_command_does_not_keep_a_session(self):
        client = self.watch("other", "second", 3394)
        watcher, = self.homes.processes("relayctl:3394")
        self.host.run("kill", "-STOP", str(watcher))
        client.signal(9)
        wait_for("its end", lambda: "second:3394" not in self.sessions())
        self.host.run("kill", "-KILL", str(watcher), check=False)
        self.scene.fact("a session ends with its sshd, though its command hangs")


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    with Scene() as scene, Network("vps", "home", "other") as network, Host("vps", network) as host:
        install(build, host.layer)
        prepare(host, logind=True)
        host.write("/etc/relayd/relayd.yaml", RELAY)
        host.boot()
        host.run("systemd-sysusers")
        host.run("systemctl", "start", "relayd")
        test = Test(scene, network, host)
        for user in ("tun", "second", "root"):
            test.homes.add_user(user)
        sick = test.homes.desktop("home", 3389)
        test.homes.desktop("other", 3389)
        clients = test.sessions_are_shown()
        test.visitors_are_counted()
        test.a_living_one_is_not_stale()
        test.another_user_cannot_register_it()
        test.strangers_are_bounded()
        test.they_come_again_after_a_restart(clients)
        test.a_session_that_is_closed_ends(clients)
        test.a_hung_command_does_not_keep_a_session()
        test.events_are_told(sick)
        clients[0].stop()
        clients[3].stop()
        nothing_is_left(test.homes, 3389)
        nothing_is_left(test.homes, 3392)


if __name__ == "__main__":
    main()
